// What Linux offers and Swift's Glibc overlay does not import: system calls, constants behind macros, netlink structures.
// Header-only: `static inline` wrappers keep the name of the call with the prefix `cl_`; they return what the call returns.
#pragma once

// _GNU_SOURCE stays undefined: it changes glibc's own types, and then this module and Glibc's disagree. Calls that hide
// behind it go through syscall(2).

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>

#include <linux/close_range.h>
#include <linux/if_arp.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// epoll_event is packed and holds a union: carry the 64-bit user data plainly.
static inline int cl_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = data;
    return epoll_ctl(epoll, operation, descriptor, &event);
}
static inline uint32_t cl_epoll_event_events(const struct epoll_event *event) { return event->events; }
static inline uint64_t cl_epoll_event_data(const struct epoll_event *event) { return event->data.u64; }


// The EPOLL* constants are an enum with a name that does not mix with uint32_t in Swift.
static const uint32_t CL_EPOLLIN = EPOLLIN;
static const uint32_t CL_EPOLLOUT = EPOLLOUT;
static const uint32_t CL_EPOLLERR = EPOLLERR;
static const uint32_t CL_EPOLLHUP = EPOLLHUP;
static const uint32_t CL_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t CL_EPOLLET = EPOLLET;

static inline int cl_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }
static inline int cl_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// epoll_pwait2(2) with a timeout in nanoseconds, negative for ever; epoll_wait(2), rounded up to milliseconds, before Linux 5.11.
// At most 256 events, whose parts go to `events` and `data`.
static inline int cl_epoll_wait(int epoll, uint32_t *events, uint64_t *data, int capacity, int64_t nanoseconds) {
    struct epoll_event ready[256];
    int limit = capacity < 256 ? capacity : 256;
    struct { int64_t seconds, nanoseconds; } timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int count = (int)syscall(SYS_epoll_pwait2, epoll, ready, limit, nanoseconds < 0 ? NULL : &timeout, NULL, 8);
    if (count == -1 && errno == ENOSYS) {
        int64_t milliseconds = nanoseconds < 0 ? -1 : (nanoseconds + 999999) / 1000000;
        count = epoll_wait(epoll, ready, limit, milliseconds > 60000 ? 60000 : (int)milliseconds);
    }
    for (int index = 0; index < count; index++) {
        events[index] = ready[index].events;
        data[index] = ready[index].data.u64;
    }
    return count;
}

// CRC-32C by the processor's own instruction where it has one (SSE 4.2): the callers ask `cl_has_crc32c` first.
#if defined(__x86_64__)
#include <cpuid.h>
static inline int cl_has_crc32c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 20));
}
static inline uint32_t cl_crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t state = crc;
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        __asm__("crc32q %1, %0" : "+r"(state) : "rm"(word));
    }
    uint32_t narrow = (uint32_t)state;
    for (; count > 0; bytes++, count--) __asm__("crc32b %1, %0" : "+r"(narrow) : "rm"(*bytes));
    return narrow;
}
#else
static inline int cl_has_crc32c(void) { return 0; }
static inline uint32_t cl_crc32c(uint32_t crc, const uint8_t *bytes, size_t count) { return crc; }
#endif

static inline int cl_accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags) {
    return (int)syscall(SYS_accept4, descriptor, address, length, flags);
}
static inline int cl_pipe2(int descriptors[2], int flags) { return (int)syscall(SYS_pipe2, descriptors, flags); }
static inline int cl_dup3(int from, int to, int flags) { return (int)syscall(SYS_dup3, from, to, flags); }
static inline int cl_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}
static inline int cl_ioctl_pointer(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}
static inline int cl_gettid(void) { return (int)syscall(SYS_gettid); }

static inline int cl_pidfd_open(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static inline int cl_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}
static inline int cl_waitid_pidfd(int pidfd, siginfo_t *info, int options) {
    return (int)syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, info, options, NULL);
}
static inline int cl_siginfo_status(const siginfo_t *info) { return info->si_status; }
static inline int cl_siginfo_pid(const siginfo_t *info) { return (int)info->si_pid; }
static inline int cl_wifexited(int status) { return WIFEXITED(status); }
static inline int cl_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int cl_wifsignaled(int status) { return WIFSIGNALED(status); }
static inline int cl_wtermsig(int status) { return WTERMSIG(status); }

static inline int cl_setns(int descriptor, int kind) { return (int)syscall(SYS_setns, descriptor, kind); }
static inline int cl_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }
static inline int cl_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }
static inline int cl_renameat2(int fromDirectory, const char *from, int toDirectory, const char *to, unsigned flags) {
    return (int)syscall(SYS_renameat2, fromDirectory, from, toDirectory, to, flags);
}
static inline int cl_memfd_create(const char *name, unsigned flags) { return (int)syscall(SYS_memfd_create, name, flags); }
static inline uint64_t cl_makedev(unsigned major, unsigned minor) { return makedev(major, minor); }
static inline unsigned cl_major(uint64_t device) { return major(device); }
static inline unsigned cl_minor(uint64_t device) { return minor(device); }

// Control messages (cmsg(3)): macros only.
static inline size_t cl_cmsg_space(size_t length) { return CMSG_SPACE(length); }
static inline size_t cl_cmsg_len(size_t length) { return CMSG_LEN(length); }
static inline struct cmsghdr *cl_cmsg_firsthdr(struct msghdr *message) { return CMSG_FIRSTHDR(message); }
static inline struct cmsghdr *cl_cmsg_nxthdr(struct msghdr *message, struct cmsghdr *previous) {
    return CMSG_NXTHDR(message, previous);
}
static inline unsigned char *cl_cmsg_data(struct cmsghdr *message) { return CMSG_DATA(message); }

// Sets FS flags aside: mount(2) and umount2(2) take unsigned long flags whose names are enums in glibc.
static inline int cl_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return mount(source, target, type, flags, data);
}
static inline int cl_umount2(const char *target, int flags) { return umount2(target, flags); }

// SO_PEERCRED of unix(7): who connected. Its struct ucred is behind _GNU_SOURCE.
static inline int cl_peer_user(int descriptor, unsigned *user) {
    struct {
        int process;
        unsigned user, group;
    } credentials;
    socklen_t length = sizeof credentials;
    int result = getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
    if (result == 0) *user = credentials.user;
    return result;
}

// Sends without raising SIGPIPE.
static inline ssize_t cl_send(int descriptor, const void *bytes, size_t count) {
    return send(descriptor, bytes, count, MSG_NOSIGNAL);
}

// The end of the process behind a pidfd, without waiting: 1 and its si_code and si_status, 0 while it runs, -1 on failure.
static inline int cl_wait_pidfd(int pidfd, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    if (syscall(SYS_waitid, 3 /* P_PIDFD */, pidfd, &info, WEXITED | WNOHANG, NULL) == -1) return -1;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *status = info.si_status;
    return 1;
}

#include "CLinuxSpawn.h"

// Resolves a path under a directory by rules (RESOLVE_*): openat2(2) takes a structure whose fields are all 64 bits.
static inline int cl_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = flags;
    how.mode = mode;
    how.resolve = resolve;
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}
// O_PATH (open(2)) is hidden behind _GNU_SOURCE; its value is the same on every architecture that Swift runs on.
static const int CL_O_PATH = 010000000;
static inline int cl_syncfs(int descriptor) { return (int)syscall(SYS_syncfs, descriptor); }
// Has the kernel begin to write dirty pages of a file; 2 is SYNC_FILE_RANGE_WRITE (sync_file_range(2)).
static inline int cl_begin_writing(int descriptor, int64_t offset, int64_t count) {
    return (int)syscall(SYS_sync_file_range, descriptor, offset, count, 2);
}
