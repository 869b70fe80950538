/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include "base/arena.h"

#include <openssl/crypto.h>
#include <stdlib.h>

void
vg_zero(void *ptr, size_t len)
{
    if (ptr)
        OPENSSL_cleanse(ptr, len);
}

void
vg_secret_init(struct vg_secret *s, struct vg_str bytes)
{
    s->ptr = vg_xalloc(bytes.len + 1);
    s->len = bytes.len;
    if (bytes.len > 0)
        memcpy(s->ptr, bytes.ptr, bytes.len);
}

void
vg_secret_fini(struct vg_secret *s)
{
    if (!s || !s->ptr)
        return;
    vg_zero(s->ptr, s->len);
    free(s->ptr);
    *s = (struct vg_secret) { 0 };
}

static void
wipe(void *arg)
{
    struct vg_secret *s = arg;
    vg_zero(s->ptr, s->len);
}

struct vg_secret
vg_secret_in(struct vg_arena *arena, struct vg_str bytes)
{
    struct vg_secret *s = VG_NEW(arena, struct vg_secret);
    s->ptr = vg_arena_alloc(arena, bytes.len + 1);
    s->len = bytes.len;
    if (bytes.len > 0)
        memcpy(s->ptr, bytes.ptr, bytes.len);
    vg_arena_defer(arena, wipe, s);
    return *s;
}

struct vg_str
vg_secret_str(const struct vg_secret *s)
{
    return vg_str_n(s->ptr, s->len);
}
