/* SPDX-License-Identifier: Apache-2.0 */
#include "front/origin.h"

#include "base/arena.h"

static bool
is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'
           || c == '.' || c == '_';
}

/* The text between the brackets of an IPv6 literal. */
static bool
is_ipv6_text(struct vg_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!is_hex && c != ':' && c != '.')
            return false;
    }
    return s.len >= 2;
}

static bool
parse_port(struct vg_str s, uint16_t *ret)
{
    uint64_t port;
    if (!vg_str_to_u64(s, &port) || port > UINT16_MAX)
        return false;
    *ret = (uint16_t)port;
    return true;
}

bool
vg_host_parse(struct vg_arena *arena, struct vg_str header, struct vg_host *ret)
{
    struct vg_host host = { 0 };
    struct vg_str name, rest;
    if (vg_str_starts(header, VG_STR("["))) {
        size_t end = vg_str_find_char(header, ']');
        if (end == VG_NPOS || !is_ipv6_text(vg_str_slice(header, 1, end)))
            return false;
        name = vg_str_slice(header, 1, end);
        rest = vg_str_slice(header, end + 1, header.len);
    } else {
        size_t colon = vg_str_find_char(header, ':');
        name = vg_str_slice(header, 0, colon);
        rest = vg_str_slice(header, colon, header.len);
        for (size_t i = 0; i < name.len; i++)
            if (!is_host_char(name.ptr[i]))
                return false;
    }
    if (name.len == 0 || name.len > 255)
        return false;
    if (rest.len > 0
        && (rest.ptr[0] != ':' || !parse_port(vg_str_slice(rest, 1, rest.len), &host.port)))
        return false;
    if (vg_str_ends(name, VG_STR(".")))
        name.len--;
    host.name = vg_str_lower(arena, name);
    *ret = host;
    return true;
}

bool
vg_host_is_loopback(struct vg_str name)
{
    if (vg_str_eq(name, VG_STR("localhost")) || vg_str_ends(name, VG_STR(".localhost"))
        || vg_str_eq(name, VG_STR("::1")))
        return true;
    if (!vg_str_starts(name, VG_STR("127.")))
        return false;
    /* Only an address: 127.evil.example is a name that anybody may own. */
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9'))
            return false;
    return true;
}

bool
vg_host_is_ours(struct vg_str name)
{
    return vg_host_is_loopback(name) || vg_str_ends(name, VG_STR(".amazonaws.com"))
           || vg_str_ends(name, VG_STR(".api.aws"));
}

bool
vg_origin_is_foreign(struct vg_arena *arena, struct vg_str origin, struct vg_str sec_fetch_site)
{
    if (origin.ptr == NULL)
        return vg_str_eq_nocase(sec_fetch_site, VG_STR("cross-site"));
    size_t scheme_end = vg_str_find(origin, VG_STR("://"));
    struct vg_host host;
    if (scheme_end == VG_NPOS /* "null" too: a sandboxed frame or a file */
        || !vg_host_parse(arena, vg_str_slice(origin, scheme_end + 3, origin.len), &host))
        return true;
    return !vg_host_is_loopback(host.name);
}
