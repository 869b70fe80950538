/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_cors.h"

#include "base/buf.h"

/* With at most one '*', which stands for any text. */
static bool
is_like(struct vg_str pattern, struct vg_str text)
{
    size_t star = vg_str_find_char(pattern, '*');
    if (star == VG_NPOS)
        return vg_str_eq(pattern, text);
    return text.len + 1 >= pattern.len && vg_str_starts(text, vg_str_slice(pattern, 0, star))
           && vg_str_ends(text, vg_str_slice(pattern, star + 1, pattern.len));
}

static bool
is_any_like(const struct vg_str *patterns, size_t n, struct vg_str text)
{
    for (size_t i = 0; i < n; i++)
        if (is_like(patterns[i], text))
            return true;
    return false;
}

static bool
is_header_allowed(struct vg_arena *arena, const struct s3_cors_rule *rule, struct vg_str name)
{
    struct vg_str lower = vg_str_lower(arena, name);
    for (size_t i = 0; i < rule->allowed_headers.len; i++)
        if (is_like(vg_str_lower(arena, rule->allowed_headers.items[i]), lower))
            return true;
    return false;
}

static bool
are_headers_allowed(struct vg_arena *arena, const struct s3_cors_rule *rule, struct vg_str headers)
{
    for (struct vg_str rest = headers; rest.ptr;) {
        struct vg_str name = vg_str_trim(vg_str_cut(&rest, ','));
        if (name.len > 0 && !is_header_allowed(arena, rule, name))
            return false;
    }
    return true;
}

static bool
is_method_allowed(const struct s3_cors_rule *rule, struct vg_str method)
{
    for (size_t i = 0; i < rule->allowed_methods.len; i++)
        if (vg_str_eq(rule->allowed_methods.items[i], method))
            return true;
    return false;
}

const struct s3_cors_rule *
s3_cors_match(struct vg_arena *arena, const struct s3_cors_configuration *conf,
              const struct s3_cors_asked *asked)
{
    for (size_t i = 0; i < conf->cors_rules.len; i++) {
        const struct s3_cors_rule *rule = &conf->cors_rules.items[i];
        if (is_method_allowed(rule, asked->method)
            && is_any_like(rule->allowed_origins.items, rule->allowed_origins.len, asked->origin)
            && are_headers_allowed(arena, rule, asked->headers))
            return rule;
    }
    return NULL;
}

bool
s3_cors_is_any_origin(const struct s3_cors_rule *rule)
{
    for (size_t i = 0; i < rule->allowed_origins.len; i++)
        if (vg_str_eq(rule->allowed_origins.items[i], VG_STR("*")))
            return true;
    return false;
}

struct vg_str
s3_cors_headers_text(struct vg_arena *arena, struct vg_str headers)
{
    struct vg_buf b;
    vg_buf_init(&b, arena, 2 * headers.len + 16);
    for (struct vg_str rest = headers; rest.ptr;) {
        struct vg_str name = vg_str_trim(vg_str_cut(&rest, ','));
        if (name.len == 0)
            continue;
        vg_buf_adds(&b, b.len ? VG_STR(", ") : VG_STR(""));
        vg_buf_adds(&b, vg_str_lower(arena, name));
    }
    return vg_buf_str(&b);
}

bool
s3_cors_is_method(struct vg_str method)
{
    static const struct vg_str known[] = { VG_STR_INIT("GET"), VG_STR_INIT("PUT"),
                                           VG_STR_INIT("HEAD"), VG_STR_INIT("POST"),
                                           VG_STR_INIT("DELETE") };
    for (size_t i = 0; i < VG_COUNT(known); i++)
        if (vg_str_eq(known[i], method))
            return true;
    return false;
}
