/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_TEST_H
#define VG_BASE_TEST_H

/* What unit tests share: cmocka with its prerequisites, and checks on our own types. */

/* cmocka.h needs these before it */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Compares a vg_str with a C literal and shows both when they differ. */
#define assert_str(actual, literal)                                                                \
    do {                                                                                           \
        struct vg_str a_ = (actual);                                                               \
        struct vg_str e_ = VG_STR(literal);                                                        \
        if (!vg_str_eq(a_, e_))                                                                    \
            fail_msg("got \"%" VG_FMT "\", want \"%" VG_FMT "\"", VG_ARG(a_), VG_ARG(e_));         \
    } while (0)
#define assert_ok(rc) assert_int_equal((rc), VG_OK)

#endif
