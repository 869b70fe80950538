/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_TLS_CONN_H
#define VG_HTTP_TLS_CONN_H

/* TLS of one connection without I/O: bytes go in and come out. Inside http/ only, on the loop of
 * the connection. */

#include "base/err.h"

struct tls_conn;
struct vg_tls;
typedef struct ssl_ctx_st SSL_CTX;

/* local_addr: what the client connected to, numeric; names the certificate when the client names
 * no host. */
struct tls_conn *tls_conn_new_server(struct vg_tls *tls, struct vg_str local_addr);
/* The certificate must be good for `host`, a name or a numeric address. */
struct tls_conn *tls_conn_new_client(SSL_CTX *ctx, struct vg_str host);
void tls_conn_free(struct tls_conn *t); /* accepts NULL */

void tls_conn_put(struct tls_conn *t, struct vg_str received);
enum { TLS_CONN_MORE = 0, TLS_CONN_EOF = -1, TLS_CONN_BAD = -2 };
/* Decrypted bytes, or one of the above. Also carries the handshake on. */
long tls_conn_read(struct tls_conn *t, char *to, size_t max);
/* False: cannot be sent (no handshake yet, or broken). */
bool tls_conn_write(struct tls_conn *t, struct vg_str plain);
bool tls_conn_handshake(struct tls_conn *t); /* false: refused; tls_conn_error() says why */
bool tls_conn_is_handshaking(const struct tls_conn *t);
/* What came is no TLS but looks like the beginning of a request. */
bool tls_conn_is_plain_http(const struct tls_conn *t);
void tls_conn_end(struct tls_conn *t); /* says goodbye */
/* "1.2", "1.3"; after the handshake. */
struct vg_str tls_conn_version(const struct tls_conn *t);
struct vg_str tls_conn_cipher(const struct tls_conn *t); /* OpenSSL's name; after the handshake */

/* What is to be sent; valid until anything else is done with `t`. */
struct vg_str tls_conn_pending(const struct tls_conn *t);
void tls_conn_forget_pending(struct tls_conn *t);

/* Why the handshake failed; lives as long as `t`. */
struct vg_str tls_conn_error(const struct tls_conn *t);

/* A client's context that trusts those in ca_file, if present. */
vg_rc tls_client_ctx_new(struct vg_str ca_file, SSL_CTX **ret, struct vg_err *err) VG_MUST_USE;
/* The system's authorities too: reads some hundred certificates, tens of milliseconds. */
void tls_client_ctx_trust_system(SSL_CTX *ctx);
void tls_client_ctx_free(SSL_CTX *ctx);

/* tls.c */
SSL_CTX *tls_server_ctx(struct vg_tls *tls);

#endif
