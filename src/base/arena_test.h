/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_ARENA_TEST_H
#define VG_BASE_ARENA_TEST_H

/* `arena`: one of each test's own, for test files whose tests are listed with ARENA_TEST. */

#include "base/test.h"

static struct vg_arena *arena; /* lint: state: a unit test's, single-threaded */

static inline int
arena_test_setup(void **state)
{
    (void)state;
    arena = vg_arena_new(0);
    return 0;
}

static inline int
arena_test_teardown(void **state)
{
    (void)state;
    vg_arena_free(arena);
    return 0;
}

#define ARENA_TEST(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, arena_test_setup, arena_test_teardown)

#endif
