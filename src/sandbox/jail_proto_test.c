/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/jail_proto.h"

#include "base/test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char out[4096], in[4096];

static void
a_packet_arrives_with_its_texts_and_descriptors(void **state)
{
    (void)state;
    int pair[2], pipes[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(pipe(pipes), 0);
    struct vg_jail_msg m, got;
    vg_jail_msg_init(&m, out, sizeof(out), VG_JAIL_START, 7);
    vg_jail_msg_add(&m, "env", "A=b=c", 5);
    vg_jail_msg_add(&m, "env", "EMPTY=", 6);
    vg_jail_msg_add_u64(&m, "memory_mb", 128);
    m.fds[m.n_fds++] = pipes[1];
    assert_int_equal(vg_jail_msg_send(pair[0], &m), 0);
    close(pipes[1]);
    assert_int_equal(vg_jail_msg_recv(pair[1], &got, in, sizeof(in)), 1);
    assert_int_equal(got.head.type, VG_JAIL_START);
    assert_int_equal(got.head.id, 7);
    assert_string_equal(vg_jail_msg_get(&got, "memory_mb"), "128");
    assert_null(vg_jail_msg_get(&got, "memory"));
    const char *key, *value;
    size_t len, pos = 0;
    assert_true(vg_jail_msg_next(&got, &pos, &key, &len, &value));
    assert_string_equal(value, "A=b=c");
    assert_true(vg_jail_msg_next(&got, &pos, &key, &len, &value));
    assert_string_equal(value, "EMPTY=");
    assert_int_equal(got.n_fds, 1);
    assert_int_equal(write(got.fds[0], "x", 1), 1);
    close(got.fds[0]);
    close(pipes[0]);
    close(pair[0]);
    assert_int_equal(vg_jail_msg_recv(pair[1], &got, in, sizeof(in)), 0);
    close(pair[1]);
}

static void
what_is_no_packet_of_this_version_is_refused(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    struct vg_jail_msg got;
    struct vg_jail_head head = { .magic = VG_JAIL_MAGIC, .version = VG_JAIL_VERSION + 1 };
    assert_int_equal(send(pair[0], &head, sizeof(head), 0), sizeof(head));
    assert_int_equal(vg_jail_msg_recv(pair[1], &got, in, sizeof(in)), -1);
    assert_int_equal(errno, EPROTO);
    head.version = VG_JAIL_VERSION;
    head.len = 100; /* more than there is */
    assert_int_equal(send(pair[0], &head, sizeof(head), 0), sizeof(head));
    assert_int_equal(vg_jail_msg_recv(pair[1], &got, in, sizeof(in)), -1);
    assert_int_equal(send(pair[0], "abc", 3, 0), 3);
    assert_int_equal(vg_jail_msg_recv(pair[1], &got, in, sizeof(in)), -1);
    close(pair[0]);
    close(pair[1]);
}

static void
a_text_that_does_not_fit_or_holds_a_nul_is_an_error_at_sending(void **state)
{
    (void)state;
    struct vg_jail_msg m;
    char small[16];
    vg_jail_msg_init(&m, small, sizeof(small), VG_JAIL_START, 1);
    vg_jail_msg_add(&m, "env", "0123456789ABCDEF", 16);
    assert_int_equal(vg_jail_msg_send(-1, &m), -1);
    assert_int_equal(errno, EMSGSIZE);
    vg_jail_msg_init(&m, out, sizeof(out), VG_JAIL_START, 1);
    vg_jail_msg_add(&m, "env", "A=\0b", 4);
    assert_true(m.over);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_arrives_with_its_texts_and_descriptors),
        cmocka_unit_test(what_is_no_packet_of_this_version_is_refused),
        cmocka_unit_test(a_text_that_does_not_fit_or_holds_a_nul_is_an_error_at_sending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
