// A child process with what must happen between clone(2) and execve(2), where only async-signal-safe calls are allowed.
#pragma once

#define CL_SPAWN_DESCRIPTORS 16

// What the child is to be. Pointers are read by the child before the call returns, and by nobody afterwards.
struct cl_spawn_request {
    const char *executable;
    char *const *arguments;
    char *const *environment;
    const char *working_directory;              // or NULL
    const int *parent_descriptors;              // the child's descriptor child_descriptors[i] is parent_descriptors[i]
    const int *child_descriptors;
    int descriptor_count;                       // at most CL_SPAWN_DESCRIPTORS; 0, 1 and 2 that are not named are /dev/null
    int network_namespace;                      // descriptor, or -1
    const char *const *cgroup_files;            // cgroup.procs files to enter; they end with NULL
    int new_session;
    int death_signal;                           // or 0
    // Out: where it failed, and how.
    const char *volatile failed_call;
    volatile int failed_errno;
};

extern int clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

static inline int cl_spawn_fail(struct cl_spawn_request *request, const char *call) {
    request->failed_errno = errno;
    request->failed_call = call;
    _exit(127);
}

static inline int cl_spawn_child(void *argument) {
    struct cl_spawn_request *request = (struct cl_spawn_request *)argument;
    // Dispositions go back to the default (an ignored signal would stay so across execve), the mask is emptied at the end.
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < 65; number++) {
        if (number == SIGKILL || number == SIGSTOP || number == 32 || number == 33) continue;
        sigaction(number, &standard, NULL);
    }
    if (request->new_session && setsid() == -1) return cl_spawn_fail(request, "setsid");
    if (request->death_signal && prctl(PR_SET_PDEATHSIG, (unsigned long)request->death_signal, 0, 0, 0) == -1)
        return cl_spawn_fail(request, "prctl");
    for (const char *const *file = request->cgroup_files; *file; file++) {
        int descriptor = open(*file, O_WRONLY | O_CLOEXEC);
        if (descriptor == -1 || write(descriptor, "0", 1) == -1) return cl_spawn_fail(request, "cgroup.procs");
        close(descriptor);
    }
    if (request->network_namespace >= 0 && syscall(SYS_setns, request->network_namespace, CLONE_NEWNET) == -1)
        return cl_spawn_fail(request, "setns");
    if (request->working_directory && chdir(request->working_directory) == -1) return cl_spawn_fail(request, "chdir");

    // Sources first move above all targets, so that no target overwrites a source that is still to come.
    int above = 3;
    int moved[CL_SPAWN_DESCRIPTORS];
    for (int index = 0; index < request->descriptor_count; index++)
        if (request->child_descriptors[index] >= above) above = request->child_descriptors[index] + 1;
    for (int index = 0; index < request->descriptor_count; index++) {
        moved[index] = fcntl(request->parent_descriptors[index], F_DUPFD_CLOEXEC, above);
        if (moved[index] == -1) return cl_spawn_fail(request, "fcntl");
    }
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing == -1) return cl_spawn_fail(request, "open /dev/null");
    for (int target = 0; target < 3; target++)
        if (nothing != target && dup2(nothing, target) == -1) return cl_spawn_fail(request, "dup2");
    if (nothing < 3) fcntl(nothing, F_SETFD, 0);
    // Before Linux 5.11 there is no CLOSE_RANGE_CLOEXEC; what this process opens is O_CLOEXEC anyway.
    syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
    for (int index = 0; index < request->descriptor_count; index++)
        if (dup2(moved[index], request->child_descriptors[index]) == -1) return cl_spawn_fail(request, "dup2");

    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(request->executable, request->arguments, request->environment);
    return cl_spawn_fail(request, "execve");
}

// Starts the child and returns when it has executed the program: its pid, with `pidfd` to wait for it; -1 with `failed_call` and
// `failed_errno` set where it could not. The child shares memory with the caller, who sleeps, until then: no page is copied.
static inline __attribute__((noinline)) int cl_spawn(struct cl_spawn_request *request, int *pidfd) {
    enum { stack_size = 65536 };
    request->failed_call = NULL;
    request->failed_errno = 0;
    char *stack = (char *)mmap(NULL, stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        request->failed_errno = errno;
        request->failed_call = "mmap";
        return -1;
    }
    // A handler of the parent must not run in the child, in shared memory.
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous);
    int pid = clone(cl_spawn_child, stack + stack_size, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, request, pidfd);
    if (pid == -1) {
        request->failed_errno = errno;
        request->failed_call = "clone";
    }
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    munmap(stack, stack_size);
    if (pid != -1 && request->failed_call) {
        int status;
        while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {}
        close(*pidfd);
        return -1;
    }
    return pid;
}
