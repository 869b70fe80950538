/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_NUMBER_H
#define DYNAMODB_NUMBER_H

/*
 * DynamoDB's numbers: exact decimals of up to 38 significant digits, magnitudes 1E-130 to
 * 9.99…E+125 and zero (AWS: "HowItWorks.NamingRulesDataTypes", Number).
 *
 * The stored form is DYNAMODB_NUMBER_MAX_BYTES at most and sorts bytewise as the numbers do; one
 * number has one stored form, so equality is bytewise too.  Zero is 80; a positive number is C0,
 * its exponent + 129, then its digits two by two as 1..100; a negative one is the complement of
 * these, ended by FF.  Pure functions, any thread.
 */

#include "base/str.h"

struct vg_buf;

#define DYNAMODB_NUMBER_DIGITS_MAX 38
#define DYNAMODB_NUMBER_MAX_BYTES  22

enum dynamodb_number_fault {
    DYNAMODB_NUMBER_OK,
    DYNAMODB_NUMBER_SYNTAX,    /* not a number                       */
    DYNAMODB_NUMBER_PRECISION, /* more than 38 significant digits    */
    DYNAMODB_NUMBER_OVERFLOW,  /* 1E126 and beyond                   */
    DYNAMODB_NUMBER_UNDERFLOW, /* nearer to zero than 1E-130         */
};

/* 0.d1d2d3… × 10^exp, without leading or trailing zero digits; n == 0 is zero. */
struct dynamodb_number {
    bool is_negative;
    uint8_t n;
    int16_t exp;
    uint8_t d[DYNAMODB_NUMBER_DIGITS_MAX];
};

enum dynamodb_number_fault dynamodb_number_parse(struct vg_str text, struct dynamodb_number *ret);
/* As AWS prints it: plain digits, or with an exponent where the plain form would be padded. */
void dynamodb_number_print(const struct dynamodb_number *v, struct vg_buf *to);

size_t dynamodb_number_pack(const struct dynamodb_number *v, uint8_t to[DYNAMODB_NUMBER_MAX_BYTES]);
/* False: not a stored number. */
bool dynamodb_number_unpack(struct vg_str packed, struct dynamodb_number *ret);
/* What AWS counts for it: a byte for each two digits, one more, and one for a minus sign. */
size_t dynamodb_number_size(struct vg_str packed);

/* a + b, or a - b; exact, or the fault that AWS answers. */
enum dynamodb_number_fault dynamodb_number_add(const struct dynamodb_number *a,
                                               const struct dynamodb_number *b, bool is_minus,
                                               struct dynamodb_number *ret);
void dynamodb_number_from_u64(uint64_t v, struct dynamodb_number *ret);

#endif
