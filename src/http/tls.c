/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority and the certificates it signs.
 *
 * One key serves all leaf certificates of a run; they are made when a name is first asked for, kept
 * in memory, and made anew before they expire.
 */
#include "http/tls.h"

#include "base/arena.h"
#include "http/tls_conn.h"
#include "os/clock.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX      256u
#define NAME_MAX_BYTES 254u /* RFC 1035, and a NUL */
#define PEM_MAX_BYTES  (256u << 10)
#define DAY_S          86400
#define CA_DAYS        3650
#define LEAF_DAYS      90
#define RENEW_AFTER_MS ((int64_t)30 * DAY_S * 1000)

struct leaf {
    char name[NAME_MAX_BYTES];
    X509 *cert;
    int64_t made_ms;
};

struct vg_tls {
    SSL_CTX *ctx;
    X509 *ca, *own;
    STACK_OF(X509) * own_chain;
    EVP_PKEY *ca_key, *leaf_key, *own_key;
    char ca_file[1100];
    pthread_mutex_t lock; /* guards the leaves */
    struct leaf leaves[NAMES_MAX];
    size_t n_leaves, next_leaf;
};

SSL_CTX *
tls_server_ctx(struct vg_tls *tls)
{
    return tls->ctx;
}

/* --- making certificates -----------------------------------------------------------------------
 */

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool is_good = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return is_good;
}

static bool
set_serial(X509 *cert)
{
    unsigned char bytes[16];
    vg_os_random(bytes, sizeof(bytes));
    bytes[0] &= 0x7f; /* positive */
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool is_good = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return is_good;
}

static X509 *
cert_begin(const char *common_name, EVP_PKEY *key, int days)
{
    X509 *cert = X509_new();
    time_t now = (time_t)(vg_wall_ms() / 1000);
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (cert && X509_set_version(cert, 2) == 1 && set_serial(cert)
        && X509_time_adj_ex(X509_getm_notBefore(cert), -1, 0, &now)
        && X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, &now)
        && X509_set_pubkey(cert, key) == 1
        && X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Virga", -1,
                                      -1, 0)
               == 1
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                      -1, -1, 0)
               == 1)
        return cert;
    X509_free(cert);
    return NULL;
}

static X509 *
make_ca(EVP_PKEY *key)
{
    char name[64];
    snprintf(name, sizeof(name), "Virga local authority %lld", (long long)(vg_wall_ms() / 1000));
    X509 *cert = cert_begin(name, key, CA_DAYS);
    if (cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1
        && add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        && add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign")
        && add_extension(cert, cert, NID_subject_key_identifier, "hash")
        && X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool
is_address(const char *name)
{
    unsigned char to[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, name, to) == 1 || inet_pton(AF_INET6, name, to) == 1;
}

/* The name is checked: only what stands in host names, so nothing in `san` can be more than that.
 */
static X509 *
make_leaf(struct vg_tls *tls, const char *name)
{
    char san[NAME_MAX_BYTES + 100];
    snprintf(san, sizeof(san),
             is_address(name) ? "IP:%s,IP:127.0.0.1,IP:::1,DNS:localhost,DNS:*.localhost"
                              : "DNS:%s",
             name);
    /* X.520 ends a common name at 64 bytes; clients look at the alternative names only. */
    X509 *cert = cert_begin(strlen(name) <= 64 ? name : "virga", tls->leaf_key, LEAF_DAYS);
    if (cert && X509_set_issuer_name(cert, X509_get_subject_name(tls->ca)) == 1
        && add_extension(cert, tls->ca, NID_basic_constraints, "critical,CA:FALSE")
        && add_extension(cert, tls->ca, NID_key_usage, "critical,digitalSignature")
        && add_extension(cert, tls->ca, NID_ext_key_usage, "serverAuth")
        && add_extension(cert, tls->ca, NID_subject_alt_name, san)
        && add_extension(cert, tls->ca, NID_subject_key_identifier, "hash")
        && add_extension(cert, tls->ca, NID_authority_key_identifier, "keyid:always")
        && X509_sign(cert, tls->ca_key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static bool
is_host_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n < NAME_MAX_BYTES
           && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") == n;
}

/* The certificate for a name, with a reference of its own; NULL when there can be none. */
static X509 *
leaf_for(struct vg_tls *tls, const char *name)
{
    X509 *cert = NULL;
    int64_t now_ms = vg_wall_ms();
    pthread_mutex_lock(&tls->lock);
    struct leaf *leaf = NULL;
    for (size_t i = 0; i < tls->n_leaves && leaf == NULL; i++)
        if (strcmp(tls->leaves[i].name, name) == 0)
            leaf = &tls->leaves[i];
    if (leaf == NULL || now_ms - leaf->made_ms > RENEW_AFTER_MS) {
        cert = make_leaf(tls, name);
        if (cert && leaf == NULL) {
            leaf = &tls->leaves[tls->next_leaf];
            tls->next_leaf = (tls->next_leaf + 1) % NAMES_MAX;
            tls->n_leaves = VG_MIN(tls->n_leaves + 1, (size_t)NAMES_MAX);
        }
        if (cert) {
            X509_free(leaf->cert);
            snprintf(leaf->name, sizeof(leaf->name), "%s", name);
            leaf->cert = cert;
            leaf->made_ms = now_ms;
        }
    }
    cert = leaf ? leaf->cert : NULL;
    if (cert)
        X509_up_ref(cert);
    pthread_mutex_unlock(&tls->lock);
    return cert;
}

/* --- the handshake -----------------------------------------------------------------------------
 */

static int
on_cert(SSL *ssl, void *arg)
{
    struct vg_tls *tls = arg;
    char name[NAME_MAX_BYTES] = { 0 };
    const char *asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(name, sizeof(name), "%s", asked ? asked : (const char *)SSL_get_app_data(ssl));
    for (char *p = name; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + ('a' - 'A'));
    bool is_own = tls->own && (asked == NULL || X509_check_host(tls->own, name, 0, 0, NULL) == 1);
    if (is_own)
        return SSL_use_certificate(ssl, tls->own) == 1 && SSL_use_PrivateKey(ssl, tls->own_key) == 1
               && SSL_set1_chain(ssl, tls->own_chain) == 1;
    if (!is_host_name(name) && !is_address(name))
        return 0;
    X509 *cert = leaf_for(tls, name);
    bool is_good =
        cert && SSL_use_certificate(ssl, cert) == 1 && SSL_use_PrivateKey(ssl, tls->leaf_key) == 1;
    X509_free(cert);
    ERR_clear_error();
    return is_good;
}

/* RFC 7301: we speak HTTP/1.1 only. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
        unsigned in_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len)
        != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* --- files -------------------------------------------------------------------------------------
 */

static BIO *
bio_of(struct vg_str pem)
{
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (bio == NULL)
        VG_BUG("out of memory");
    return bio;
}

static vg_rc
read_cert(struct vg_arena *arena, struct vg_str path, X509 **ret, STACK_OF(X509) * chain,
          struct vg_err *err)
{
    struct vg_str pem;
    vg_rc rc = vg_file_read(arena, path, PEM_MAX_BYTES, &pem, err);
    if (rc != VG_OK)
        return rc;
    BIO *bio = bio_of(pem);
    *ret = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    X509 *next;
    while (chain && *ret && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
        sk_X509_push(chain, next);
    BIO_free(bio);
    ERR_clear_error();
    return *ret ? VG_OK : vg_err_set(err, "no certificate in %" VG_FMT, VG_ARG(path));
}

static vg_rc
read_key(struct vg_arena *arena, struct vg_str path, EVP_PKEY **ret, struct vg_err *err)
{
    struct vg_str pem;
    vg_rc rc = vg_file_read(arena, path, PEM_MAX_BYTES, &pem, err);
    if (rc != VG_OK)
        return rc;
    BIO *bio = bio_of(pem);
    *ret = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
    BIO_free(bio);
    OPENSSL_cleanse((void *)(uintptr_t)pem.ptr, pem.len);
    ERR_clear_error();
    return *ret ? VG_OK : vg_err_set(err, "no private key in %" VG_FMT, VG_ARG(path));
}

static vg_rc
write_pem(BIO *bio, struct vg_str path, unsigned mode, struct vg_err *err)
{
    char *ptr = NULL;
    long n = BIO_get_mem_data(bio, &ptr);
    return vg_file_write(path, vg_str_n(ptr, (size_t)VG_MAX(n, 0)), mode, err);
}

static vg_rc
create_ca(struct vg_tls *tls, struct vg_str cert_path, struct vg_str key_path, struct vg_err *err)
{
    tls->ca_key = EVP_EC_gen("P-256");
    tls->ca = tls->ca_key ? make_ca(tls->ca_key) : NULL;
    BIO *cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_secmem());
    vg_rc rc = VG_FAIL;
    if (tls->ca && PEM_write_bio_X509(cert, tls->ca) == 1
        && PEM_write_bio_PrivateKey(key, tls->ca_key, NULL, NULL, 0, NULL, NULL) == 1) {
        rc =
            write_pem(key, key_path, 0600, err); /* first: a certificate without key is of no use */
        if (rc == VG_OK)
            rc = write_pem(cert, cert_path, 0644, err);
    } else {
        ERR_clear_error();
        vg_err_set(err, "cannot make a certification authority");
    }
    BIO_free(cert);
    BIO_free(key);
    return rc;
}

static vg_rc
load_ca(struct vg_tls *tls, struct vg_arena *arena, struct vg_str dir, struct vg_err *err)
{
    struct vg_str cert = vg_str_fmt(arena, "%" VG_FMT "/ca.pem", VG_ARG(dir));
    struct vg_str key = vg_str_fmt(arena, "%" VG_FMT "/ca.key", VG_ARG(dir));
    snprintf(tls->ca_file, sizeof(tls->ca_file), "%" VG_FMT, VG_ARG(cert));
    vg_rc rc = vg_dir_make(dir, 0700, err);
    if (rc != VG_OK)
        return rc;
    if (!vg_file_exists(cert))
        return create_ca(tls, cert, key, err);
    rc = read_cert(arena, cert, &tls->ca, NULL, err);
    if (rc == VG_OK)
        rc = read_key(arena, key, &tls->ca_key, err);
    if (rc == VG_OK && X509_check_private_key(tls->ca, tls->ca_key) != 1)
        rc = vg_err_set(err, "%" VG_FMT " is not the key of ca.pem", VG_ARG(key));
    return rc;
}

static vg_rc
load_own(struct vg_tls *tls, struct vg_arena *arena, const struct vg_tls_config *config,
         struct vg_err *err)
{
    if (config->cert_file.ptr == NULL)
        return VG_OK;
    tls->own_chain = sk_X509_new_null();
    vg_rc rc = read_cert(arena, config->cert_file, &tls->own, tls->own_chain, err);
    if (rc == VG_OK)
        rc = read_key(arena, config->key_file, &tls->own_key, err);
    if (rc == VG_OK && X509_check_private_key(tls->own, tls->own_key) != 1)
        rc = vg_err_set(err, "%" VG_FMT " is not the key of the certificate",
                        VG_ARG(config->key_file));
    return rc;
}

vg_rc
vg_tls_new(const struct vg_tls_config *config, struct vg_tls **ret, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_tls *tls = vg_xalloc(sizeof(*tls));
    pthread_mutex_init(&tls->lock, NULL);
    vg_rc rc = load_ca(tls, arena, config->dir, err);
    if (rc == VG_OK)
        rc = load_own(tls, arena, config, err);
    if (rc != VG_OK) {
        vg_tls_free(tls);
        return rc;
    }
    tls->leaf_key = EVP_EC_gen("P-256");
    tls->ctx = SSL_CTX_new(TLS_server_method());
    if (tls->ctx == NULL || tls->leaf_key == NULL)
        VG_BUG("out of memory");
    SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                      | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_cert_cb(tls->ctx, on_cert, tls);
    SSL_CTX_set_alpn_select_cb(tls->ctx, on_alpn, NULL);
    SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF); /* tickets do without */
    *ret = tls;
    return VG_OK;
}

void
vg_tls_free(struct vg_tls *tls)
{
    if (tls == NULL)
        return;
    for (size_t i = 0; i < tls->n_leaves; i++)
        X509_free(tls->leaves[i].cert);
    X509_free(tls->ca);
    X509_free(tls->own);
    sk_X509_pop_free(tls->own_chain, X509_free);
    EVP_PKEY_free(tls->ca_key);
    EVP_PKEY_free(tls->leaf_key);
    EVP_PKEY_free(tls->own_key);
    SSL_CTX_free(tls->ctx);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

struct vg_str
vg_tls_ca_file(const struct vg_tls *tls)
{
    return vg_str_of(tls->ca_file);
}
