/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL over memory BIOs. */
#include "http/tls_conn.h"

#include "base/arena.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define HOST_MAX_BYTES 256u

struct tls_conn {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    char error[160];
    char first_byte;                   /* that was received */
    char local_addr[INET6_ADDRSTRLEN]; /* read by the server's certificate callback */
};

static struct tls_conn *
conn_new(SSL_CTX *ctx)
{
    struct tls_conn *t = vg_xalloc(sizeof(*t));
    t->ssl = SSL_new(ctx);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    if (t->ssl == NULL || t->in == NULL || t->out == NULL)
        VG_BUG("out of memory");
    BIO_set_mem_eof_return(t->in, -1); /* empty means: wait */
    BIO_set_mem_eof_return(t->out, -1);
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
    return t;
}

struct tls_conn *
tls_conn_new_server(struct vg_tls *tls, struct vg_str local_addr)
{
    struct tls_conn *t = conn_new(tls_server_ctx(tls));
    size_t n = VG_MIN(local_addr.len, sizeof(t->local_addr) - 1);
    memcpy(t->local_addr, local_addr.ptr, n);
    SSL_set_app_data(t->ssl, t->local_addr);
    SSL_set_accept_state(t->ssl);
    return t;
}

struct tls_conn *
tls_conn_new_client(SSL_CTX *ctx, struct vg_str host)
{
    struct tls_conn *t = conn_new(ctx);
    char name[HOST_MAX_BYTES] = { 0 };
    memcpy(name, host.ptr, VG_MIN(host.len, sizeof(name) - 1));
    SSL_set_connect_state(t->ssl);
    SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name);
    } else {
        SSL_set_tlsext_host_name(t->ssl, name);
        SSL_set1_host(t->ssl, name);
    }
    return t;
}

void
tls_conn_free(struct tls_conn *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    free(t);
}

void
tls_conn_put(struct tls_conn *t, struct vg_str received)
{
    if (t->first_byte == 0 && received.len)
        t->first_byte = received.ptr[0];
    if (BIO_write(t->in, received.ptr, (int)received.len) != (int)received.len)
        VG_BUG("out of memory");
}

/* Keeps the reason, for the one who asks later; OpenSSL's queue of errors is the thread's. */
static void
note_error(struct tls_conn *t)
{
    long verified = SSL_get_verify_result(t->ssl);
    unsigned long e = ERR_get_error();
    if (verified != X509_V_OK)
        snprintf(t->error, sizeof(t->error), "%s", X509_verify_cert_error_string(verified));
    else if (e && ERR_reason_error_string(e))
        snprintf(t->error, sizeof(t->error), "%s", ERR_reason_error_string(e));
    else
        snprintf(t->error, sizeof(t->error), "TLS failed");
    ERR_clear_error();
}

long
tls_conn_read(struct tls_conn *t, char *to, size_t max)
{
    size_t n = 0;
    ERR_clear_error();
    if (SSL_read_ex(t->ssl, to, max, &n) == 1)
        return (long)n;
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TLS_CONN_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_CONN_EOF;
    default:
        note_error(t);
        return TLS_CONN_BAD;
    }
}

bool
tls_conn_write(struct tls_conn *t, struct vg_str plain)
{
    size_t n = 0;
    ERR_clear_error();
    if (plain.len == 0)
        return true;
    if (SSL_write_ex(t->ssl, plain.ptr, plain.len, &n) == 1 && n == plain.len)
        return true; /* a memory BIO takes all */
    note_error(t);
    return false;
}

bool
tls_conn_handshake(struct tls_conn *t)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(t->ssl);
    if (rc == 1 || SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ)
        return true;
    note_error(t);
    return false;
}

bool
tls_conn_is_handshaking(const struct tls_conn *t)
{
    return !SSL_is_init_finished(t->ssl);
}

/* Methods are capital letters; a TLS connection begins with 0x16, a handshake record. */
bool
tls_conn_is_plain_http(const struct tls_conn *t)
{
    return t->first_byte >= 'A' && t->first_byte <= 'Z';
}

void
tls_conn_end(struct tls_conn *t)
{
    ERR_clear_error();
    if (SSL_is_init_finished(t->ssl))
        (void)SSL_shutdown(t->ssl);
}

struct vg_str
tls_conn_version(const struct tls_conn *t)
{
    return SSL_version(t->ssl) == TLS1_2_VERSION ? VG_STR("1.2") : VG_STR("1.3");
}

struct vg_str
tls_conn_cipher(const struct tls_conn *t)
{
    return vg_str_of(SSL_get_cipher_name(t->ssl));
}

struct vg_str
tls_conn_pending(const struct tls_conn *t)
{
    char *ptr = NULL;
    long n = BIO_get_mem_data(t->out, &ptr);
    return vg_str_n(ptr ? ptr : "", n > 0 ? (size_t)n : 0);
}

void
tls_conn_forget_pending(struct tls_conn *t)
{
    (void)BIO_reset(t->out);
}

struct vg_str
tls_conn_error(const struct tls_conn *t)
{
    return vg_str_of(t->error);
}

vg_rc
tls_client_ctx_new(struct vg_str ca_file, SSL_CTX **ret, struct vg_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL)
        VG_BUG("out of memory");
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (ca_file.ptr) {
        vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
        if (SSL_CTX_load_verify_file(ctx, vg_str_cstr(arena, ca_file)) != 1) {
            SSL_CTX_free(ctx);
            ERR_clear_error();
            return vg_err_set(err, "no certificates in %" VG_FMT, VG_ARG(ca_file));
        }
    }
    *ret = ctx;
    return VG_OK;
}

void
tls_client_ctx_trust_system(SSL_CTX *ctx)
{
    SSL_CTX_set_default_verify_paths(ctx);
    ERR_clear_error();
}

void
tls_client_ctx_free(SSL_CTX *ctx)
{
    SSL_CTX_free(ctx);
}
