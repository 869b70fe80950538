/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/jail_proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
vg_jail_msg_init(struct vg_jail_msg *m, char *buf, size_t cap, enum vg_jail_type type, uint32_t id)
{
    memset(m, 0, sizeof(*m));
    m->head = (struct vg_jail_head) {
        .magic = VG_JAIL_MAGIC, .version = VG_JAIL_VERSION, .type = (uint16_t)type, .id = id
    };
    m->text = buf;
    m->cap = cap;
}

void
vg_jail_msg_add(struct vg_jail_msg *m, const char *key, const char *value, size_t len)
{
    size_t klen = strlen(key), need = klen + 1 + len + 1;
    if (need > m->cap - m->head.len || memchr(value, 0, len)) {
        m->over = true;
        return;
    }
    char *p = m->text + m->head.len;
    memcpy(p, key, klen);
    p[klen] = '=';
    if (len > 0)
        memcpy(p + klen + 1, value, len);
    p[need - 1] = 0;
    m->head.len += (uint32_t)need;
}

void
vg_jail_msg_add_u64(struct vg_jail_msg *m, const char *key, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    vg_jail_msg_add(m, key, text, (size_t)n);
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(VG_JAIL_FDS_MAX * sizeof(int))];
};

int
vg_jail_msg_send(int sock, const struct vg_jail_msg *m)
{
    if (m->over) {
        errno = EMSGSIZE;
        return -1;
    }
    struct vg_jail_head head = m->head;
    struct iovec iov[2] = { { &head, sizeof(head) }, { m->text, m->head.len } };
    union control control = { 0 };
    struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
    if (m->n_fds > 0) {
        h.msg_control = control.bytes;
        h.msg_controllen = CMSG_SPACE(m->n_fds * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(m->n_fds * sizeof(int));
        memcpy(CMSG_DATA(c), m->fds, m->n_fds * sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(sock, &h, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* Takes the descriptors of a received packet over. */
static void
take_fds(struct vg_jail_msg *m, struct msghdr *h)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n && m->n_fds < VG_JAIL_FDS_MAX; i++)
            memcpy(&m->fds[m->n_fds++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

int
vg_jail_msg_recv(int sock, struct vg_jail_msg *m, char *buf, size_t cap)
{
    memset(m, 0, sizeof(*m));
    m->text = buf;
    m->cap = cap;
    struct iovec iov[2] = { { &m->head, sizeof(m->head) }, { buf, cap } };
    union control control = { 0 };
    struct msghdr h = { .msg_iov = iov,
                        .msg_iovlen = 2,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof(control.bytes) };
    ssize_t n;
    do
        n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -1 : 0;
    take_fds(m, &h);
    size_t len = (size_t)n;
    bool ok = len >= sizeof(m->head) && m->head.magic == VG_JAIL_MAGIC
              && m->head.version == VG_JAIL_VERSION && m->head.len == len - sizeof(m->head)
              && !(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
              && (m->head.len == 0 || buf[m->head.len - 1] == 0);
    if (ok)
        return 1;
    for (unsigned i = 0; i < m->n_fds; i++)
        close(m->fds[i]);
    errno = EPROTO;
    return -1;
}

bool
vg_jail_msg_next(const struct vg_jail_msg *m, size_t *pos, const char **ret_key,
                 size_t *ret_key_len, const char **ret_value)
{
    if (*pos >= m->head.len)
        return false;
    const char *text = m->text + *pos;
    size_t len = strlen(text);
    *pos += len + 1;
    const char *eq = strchr(text, '=');
    *ret_key = text;
    *ret_key_len = eq ? (size_t)(eq - text) : len;
    *ret_value = eq ? eq + 1 : text + len;
    return true;
}

const char *
vg_jail_msg_get(const struct vg_jail_msg *m, const char *key)
{
    const char *k, *v;
    size_t n, pos = 0, want = strlen(key);
    while (vg_jail_msg_next(m, &pos, &k, &n, &v)) {
        if (n == want && memcmp(k, key, n) == 0)
            return v;
    }
    return NULL;
}
