#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

// What OpenSSL spells as macros or typed stacks, which Swift does not import.

static inline EVP_PKEY *cossl_generate_p256(void) { return EVP_EC_gen("P-256"); }

static inline void cossl_retry_read(BIO *bio) { BIO_set_retry_read(bio); }

static inline void cossl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// An extension as openssl.cnf spells its value; 0 where it could not be added.
static inline int cossl_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int result = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return result;
}

// X509_verify_cert over one root, of a certificate alone and for one purpose, at `seconds` since 1970 (0: now;
// below: whenever). The result is X509_V_OK or why not (X509_verify_cert_error_string).
static inline int cossl_verify(X509 *certificate, X509 *root, int purpose, time_t seconds) {
    int result = X509_V_ERR_OUT_OF_MEM;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (store != NULL && context != NULL && X509_STORE_add_cert(store, root) == 1
        && X509_STORE_CTX_init(context, store, certificate, NULL) == 1
        && X509_STORE_CTX_set_purpose(context, purpose) == 1) {
        if (seconds > 0) X509_STORE_CTX_set_time(context, 0, seconds);
        if (seconds < 0) X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME);
        X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(context), 0);
        int ok = X509_verify_cert(context);
        result = X509_STORE_CTX_get_error(context);
        if (ok != 1 && result == X509_V_OK) result = X509_V_ERR_UNSPECIFIED;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

// The certificates that a peer sent, its own first; NULL past the last.
static inline X509 *cossl_presented(X509_STORE_CTX *context, int index) {
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(context);
    return index < sk_X509_num(chain) ? sk_X509_value(chain, index) : NULL;
}

// Verifies with this certificate as the only root.
static inline int cossl_verify_presented(X509_STORE_CTX *context, X509 *root) {
    STACK_OF(X509) *roots = sk_X509_new_null();
    if (roots == NULL || sk_X509_push(roots, root) != 1) {
        sk_X509_free(roots);
        return 0;
    }
    X509_STORE_CTX_set0_trusted_stack(context, roots);
    int result = X509_verify_cert(context);
    sk_X509_free(roots);
    return result;
}

// TLS 1.3 alone; no tickets, no session cache, no renegotiation, no compression: 0 where OpenSSL cannot.
static inline int cossl_harden(SSL_CTX *context, long certificateBytes) {
    SSL_CTX_set_options(
        context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_max_cert_list(context, certificateBytes);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
        && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1
        && SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1
        && SSL_CTX_set_ciphersuites(
               context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
        == 1;
}

static inline int cossl_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}
