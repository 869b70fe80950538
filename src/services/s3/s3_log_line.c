/* SPDX-License-Identifier: Apache-2.0 */

/*
 * S3 writes what clients send as it came, so that a quotation mark ends a field.  Here such bytes
 * are encoded as in URLs: a client can add no field and no line.
 */

#include "services/s3/s3_log_line.h"

#include "codec/time.h"
#include "codec/uri.h"

/* Of a head of 64 KiB a byte becomes three, of its key five. */
#define LINE_MAX_BYTES (512u << 10)

#define DAY_MS INT64_C(86400000)

/* --- fields -------------------------------------------------------------------------------------
 */

static void
add_time(struct vg_buf *b, int64_t ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const struct vg_date d = vg_date_of_days(ms / DAY_MS);
    int second = (int)(ms % DAY_MS / 1000);
    vg_buf_addf(b, " [%02d/%.3s/%04d:%02d:%02d:%02d +0000]", d.day, months + 3 * (d.month - 1),
                d.year, second / 3600, second / 60 % 60, second % 60);
}

/* What would end a field, or be no ASCII. */
static bool
is_unsafe(unsigned char c, bool is_quoted)
{
    return c < ' ' || c >= 0x7f || c == '"' || c == '\\' || (c == ' ' && !is_quoted);
}

static void
add_safe(struct vg_buf *b, struct vg_str s, bool is_quoted)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_unsafe(c, is_quoted))
            vg_buf_addf(b, "%%%02X", c);
        else
            vg_buf_addc(b, (char)c);
    }
}

static void
add(struct vg_buf *b, struct vg_str s)
{
    vg_buf_addc(b, ' ');
    add_safe(b, s.len ? s : VG_STR("-"), false);
}

static void
add_quoted(struct vg_buf *b, struct vg_str s)
{
    vg_buf_adds(b, VG_STR(" \""));
    add_safe(b, s.len ? s : VG_STR("-"), true);
    vg_buf_addc(b, '"');
}

static void
add_number(struct vg_buf *b, int64_t n)
{
    if (n >= 0)
        vg_buf_addf(b, " %lld", (long long)n);
    else
        vg_buf_adds(b, VG_STR(" -"));
}

static void
add_tls(struct vg_buf *b, struct vg_str version)
{
    vg_buf_adds(b, version.len ? VG_STR(" TLSv") : VG_STR(" -"));
    add_safe(b, version, false);
}

static struct vg_str
encoded_key(struct vg_arena *arena, const struct s3_log_line *l)
{
    struct vg_str key = vg_uri_encode(arena, l->key, true);
    return l->is_of_rest ? vg_uri_encode(arena, key, true) : key;
}

static void
add_request(struct vg_buf *b, const struct s3_log_line *l, struct vg_str url)
{
    if (!l->method.ptr) {
        vg_buf_adds(b, VG_STR(" -"));
        return;
    }
    vg_buf_adds(b, VG_STR(" \""));
    add_safe(b, l->method, true);
    vg_buf_addc(b, ' ');
    add_safe(b, url, true);
    vg_buf_addf(b, " HTTP/1.%d\"", l->minor);
}

struct vg_str
s3_log_line(struct vg_arena *arena, const struct s3_log_line *l)
{
    void (*const add_header)(struct vg_buf *, struct vg_str) = l->method.ptr ? add_quoted : add;
    struct vg_buf b;
    vg_buf_init(&b, arena, LINE_MAX_BYTES);
    vg_buf_adds(&b, l->owner);
    add(&b, l->bucket);
    add_time(&b, l->at_ms);
    add(&b, l->remote);
    add(&b, l->requester);
    add(&b, l->request_id);
    add(&b, l->operation);
    add(&b, encoded_key(arena, l));
    add_request(&b, l, s3_log_url(arena, l->target));
    add_number(&b, l->status ? l->status : -1);
    add(&b, l->code);
    add_number(&b, l->sent_bytes ? l->sent_bytes : -1);
    add_number(&b, l->object_bytes);
    add_number(&b, l->total_ms);
    add_number(&b, l->turn_ms);
    add_header(&b, s3_log_url(arena, l->referer));
    add_header(&b, l->agent);
    add(&b, l->version_id);
    add(&b, l->host_id);
    add(&b, l->signature);
    add(&b, l->cipher);
    add(&b, l->auth);
    add(&b, l->host);
    add_tls(&b, l->tls_version);
    add(&b, VG_STR_NONE); /* ARN of an access point */
    add(&b, l->is_acl_required ? VG_STR("Yes") : VG_STR_NONE);
    add(&b, VG_STR_NONE); /* region that the request came from */
    vg_buf_addc(&b, '\n');
    return vg_buf_str(&b);
}

/* --- URLs ---------------------------------------------------------------------------------------
 */

static bool
is_secret(struct vg_arena *arena, struct vg_str raw_name)
{
    static const struct vg_str all[] = {
        VG_STR_INIT("X-Amz-Signature"),
        VG_STR_INIT("X-Amz-Security-Token"),
        VG_STR_INIT("Signature"),
        VG_STR_INIT("x-amz-server-side-encryption-customer-key"),
        VG_STR_INIT("x-amz-copy-source-server-side-encryption-customer-key"),
    };
    struct vg_str name = vg_uri_decode(arena, raw_name, true);
    for (size_t i = 0; i < VG_COUNT(all); i++)
        if (vg_str_eq_nocase(name, all[i]))
            return true;
    return false;
}

struct vg_str
s3_log_url(struct vg_arena *arena, struct vg_str url)
{
    struct vg_buf b;
    struct vg_str query = url;
    struct vg_str path = vg_str_cut(&query, '?');
    if (!query.ptr)
        return url;
    vg_buf_init(&b, arena, LINE_MAX_BYTES);
    vg_buf_adds(&b, path);
    for (char sep = '?'; query.ptr; sep = '&') {
        struct vg_str pair = vg_str_cut(&query, '&'), value = pair;
        struct vg_str name = vg_str_cut(&value, '=');
        bool is_hidden = value.len > 0 && is_secret(arena, name);
        vg_buf_addc(&b, sep);
        vg_buf_adds(&b, is_hidden ? name : pair);
        if (is_hidden)
            vg_buf_adds(&b, VG_STR("=XXXXXXXX"));
    }
    return vg_buf_str(&b);
}

/* --- operations ---------------------------------------------------------------------------------
 */

/*
 * What a parameter of the query asks for, in the words of logs; AWS has no list of them, these are
 * the names of logs that others have published.  What is not here is no resource's.
 */
static const struct resource {
    struct vg_str param, name;
    bool is_turned;
} resources[] = {
    { VG_STR_INIT("abac"), VG_STR_INIT("ABAC"), false },
    { VG_STR_INIT("accelerate"), VG_STR_INIT("ACCELERATE"), false },
    { VG_STR_INIT("acl"), VG_STR_INIT("ACL"), false },
    { VG_STR_INIT("analytics"), VG_STR_INIT("ANALYTICS"), false },
    { VG_STR_INIT("attributes"), VG_STR_INIT("OBJECT_ATTRIBUTES"), true },
    { VG_STR_INIT("cors"), VG_STR_INIT("CORS"), true },
    { VG_STR_INIT("delete"), VG_STR_INIT("MULTI_OBJECT_DELETE"), false },
    { VG_STR_INIT("encryption"), VG_STR_INIT("ENCRYPTION"), false },
    { VG_STR_INIT("intelligent-tiering"), VG_STR_INIT("INTELLIGENT_TIERING"), false },
    { VG_STR_INIT("inventory"), VG_STR_INIT("INVENTORY"), false },
    { VG_STR_INIT("legal-hold"), VG_STR_INIT("LEGALHOLD"), false },
    { VG_STR_INIT("lifecycle"), VG_STR_INIT("LIFECYCLE"), false },
    { VG_STR_INIT("location"), VG_STR_INIT("LOCATION"), false },
    { VG_STR_INIT("logging"), VG_STR_INIT("LOGGING_STATUS"), false },
    { VG_STR_INIT("metrics"), VG_STR_INIT("METRICS"), false },
    { VG_STR_INIT("notification"), VG_STR_INIT("NOTIFICATION"), false },
    { VG_STR_INIT("object-lock"), VG_STR_INIT("OBJECT_LOCK_CONFIGURATION"), false },
    { VG_STR_INIT("ownershipControls"), VG_STR_INIT("OWNERSHIP_CONTROLS"), true },
    { VG_STR_INIT("policy"), VG_STR_INIT("BUCKETPOLICY"), false },
    { VG_STR_INIT("policyStatus"), VG_STR_INIT("POLICY_STATUS"), false },
    { VG_STR_INIT("publicAccessBlock"), VG_STR_INIT("PUBLIC_ACCESS_BLOCK"), false },
    { VG_STR_INIT("replication"), VG_STR_INIT("REPLICATION"), false },
    { VG_STR_INIT("requestPayment"), VG_STR_INIT("REQUEST_PAYMENT"), false },
    { VG_STR_INIT("restore"), VG_STR_INIT("RESTORE"), false },
    { VG_STR_INIT("retention"), VG_STR_INIT("OBJECT_LOCK_RETENTION"), false },
    { VG_STR_INIT("select"), VG_STR_INIT("SELECT"), false },
    { VG_STR_INIT("tagging"), VG_STR_INIT("TAGGING"), true },
    { VG_STR_INIT("torrent"), VG_STR_INIT("TORRENT"), false },
    { VG_STR_INIT("uploadId"), VG_STR_INIT("UPLOAD"), true },
    { VG_STR_INIT("uploads"), VG_STR_INIT("UPLOADS"), true },
    { VG_STR_INIT("versioning"), VG_STR_INIT("VERSIONING"), false },
    { VG_STR_INIT("versions"), VG_STR_INIT("BUCKETVERSIONS"), true },
    { VG_STR_INIT("website"), VG_STR_INIT("WEBSITE"), true },
};

static const struct resource *
find_resource(struct vg_str query)
{
    while (query.ptr) {
        struct vg_str pair = vg_str_cut(&query, '&');
        struct vg_str name = vg_str_cut(&pair, '=');
        for (size_t i = 0; i < VG_COUNT(resources); i++)
            if (vg_str_eq(resources[i].param, name))
                return &resources[i];
    }
    return NULL;
}

static struct vg_str
resource_of(const struct s3_log_asked *a, bool *ret_is_turned)
{
    const struct resource *r = find_resource(a->query);
    bool is_put = vg_str_eq(a->method, VG_STR("PUT"));
    bool is_upload = r && vg_str_eq(r->param, VG_STR("uploadId"));
    *ret_is_turned = !r || r->is_turned;
    if (is_upload && is_put)
        return VG_STR("PART");
    if (r && a->has_key && vg_str_eq(r->param, VG_STR("tagging")))
        return VG_STR("OBJECT_TAGGING");
    if (r)
        return r->name;
    *ret_is_turned = !a->has_key || is_put || vg_str_eq(a->method, VG_STR("GET"));
    return a->has_key ? VG_STR("OBJECT") : VG_STR("BUCKET");
}

struct vg_str
s3_log_operation(struct vg_arena *arena, const struct s3_log_asked *a, bool *ret_is_turned)
{
    bool is_put = vg_str_eq(a->method, VG_STR("PUT"));
    bool is_read = vg_str_eq(a->method, VG_STR("GET")) || vg_str_eq(a->method, VG_STR("HEAD"));
    struct vg_str resource = resource_of(a, ret_is_turned);
    if (a->is_website && !is_read)
        return VG_STR("WEBSITE.INVALIDOPERATION");
    if (a->is_website)
        return vg_str_fmt(arena, "WEBSITE.%" VG_FMT ".OBJECT", VG_ARG(a->method));
    if (vg_str_eq(a->method, VG_STR("OPTIONS"))) {
        *ret_is_turned = false;
        return VG_STR("REST.OPTIONS.PREFLIGHT");
    }
    return vg_str_fmt(arena, "REST.%" VG_FMT ".%" VG_FMT,
                      VG_ARG(a->is_copy && is_put ? VG_STR("COPY") : a->method), VG_ARG(resource));
}
