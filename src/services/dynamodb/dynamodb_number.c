/* SPDX-License-Identifier: Apache-2.0 */
#include "services/dynamodb/dynamodb_number.h"

#include "base/buf.h"

#define EXP_MAX 126  /* 9.99…E+125 is 0.999… × 10^126 */
#define EXP_MIN -129 /* 1E-130 is 0.1 × 10^-129       */

/* Strips zero digits at both ends and checks the ranges. `digits` has n of them, 0..9. */
static enum dynamodb_number_fault
settle(const uint8_t *digits, size_t n, int64_t exp, bool is_negative, struct dynamodb_number *ret)
{
    while (n > 0 && digits[0] == 0) {
        digits++;
        n--;
        exp--;
    }
    while (n > 0 && digits[n - 1] == 0)
        n--;
    *ret = (struct dynamodb_number) { 0 };
    if (n == 0)
        return DYNAMODB_NUMBER_OK;
    if (n > DYNAMODB_NUMBER_DIGITS_MAX)
        return DYNAMODB_NUMBER_PRECISION;
    if (exp > EXP_MAX)
        return DYNAMODB_NUMBER_OVERFLOW;
    if (exp < EXP_MIN)
        return DYNAMODB_NUMBER_UNDERFLOW;
    ret->is_negative = is_negative;
    ret->n = (uint8_t)n;
    ret->exp = (int16_t)exp;
    memcpy(ret->d, digits, n);
    return DYNAMODB_NUMBER_OK;
}

/* The exponent part, after its 'e'. Saturates, so that "1e999999999999" is an overflow. */
static bool
parse_exponent(struct vg_str s, int64_t *ret)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t v = 0;
    for (; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (v < 1000000)
            v = v * 10 + (s.ptr[i] - '0');
    }
    *ret = is_negative ? -v : v;
    return true;
}

/* Significant digits without leading zeroes; zeroes that may turn out trailing are held back. */
struct digits {
    uint8_t d[DYNAMODB_NUMBER_DIGITS_MAX + 1];
    size_t n;       /* kept, at most one more than fits */
    size_t n_zeros; /* held back                        */
};

static void
add_digit(struct digits *g, uint8_t digit)
{
    if (digit == 0) {
        if (g->n > 0)
            g->n_zeros++;
        return;
    }
    while (g->n_zeros > 0 && g->n <= DYNAMODB_NUMBER_DIGITS_MAX) {
        g->d[g->n++] = 0;
        g->n_zeros--;
    }
    if (g->n <= DYNAMODB_NUMBER_DIGITS_MAX)
        g->d[g->n++] = digit;
    g->n_zeros = 0;
}

enum dynamodb_number_fault
dynamodb_number_parse(struct vg_str text, struct dynamodb_number *ret)
{
    size_t i = 0;
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        i++;
    struct digits g = { .n = 0 };
    int64_t exp = 0; /* digits before the point, counted from the first that is not zero */
    bool has_digit = false, has_point = false;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        has_digit = true;
        bool is_leading = g.n == 0 && c == '0';
        if (!has_point)
            exp += is_leading ? 0 : 1;
        else if (is_leading)
            exp--;
        add_digit(&g, (uint8_t)(c - '0'));
    }
    if (!has_digit)
        return DYNAMODB_NUMBER_SYNTAX;
    if (i < text.len) {
        int64_t e;
        if ((text.ptr[i] != 'e' && text.ptr[i] != 'E')
            || !parse_exponent(vg_str_slice(text, i + 1, text.len), &e))
            return DYNAMODB_NUMBER_SYNTAX;
        exp += e;
    }
    return settle(g.d, g.n, exp, is_negative, ret);
}

void
dynamodb_number_print(const struct dynamodb_number *v, struct vg_buf *to)
{
    if (v->n == 0) {
        vg_buf_addc(to, '0');
        return;
    }
    char digits[DYNAMODB_NUMBER_DIGITS_MAX];
    for (size_t i = 0; i < v->n; i++)
        digits[i] = (char)('0' + v->d[i]);
    if (v->is_negative)
        vg_buf_addc(to, '-');
    int n = v->n, exp = v->exp;
    if (exp <= 0) {
        vg_buf_adds(to, VG_STR("0."));
        for (int i = exp; i < 0; i++)
            vg_buf_addc(to, '0');
        vg_buf_add(to, digits, (size_t)n);
        return;
    }
    int whole = VG_MIN(n, exp);
    vg_buf_add(to, digits, (size_t)whole);
    for (int i = n; i < exp; i++)
        vg_buf_addc(to, '0');
    if (n > exp) {
        vg_buf_addc(to, '.');
        vg_buf_add(to, digits + exp, (size_t)(n - exp));
    }
}

size_t
dynamodb_number_pack(const struct dynamodb_number *v, uint8_t to[DYNAMODB_NUMBER_MAX_BYTES])
{
    if (v->n == 0) {
        to[0] = 0x80;
        return 1;
    }
    size_t len = 0;
    to[len++] = 0xC0;
    to[len++] = (uint8_t)(v->exp - EXP_MIN);
    for (size_t i = 0; i < v->n; i += 2)
        to[len++] = (uint8_t)(v->d[i] * 10 + (i + 1 < v->n ? v->d[i + 1] : 0) + 1);
    if (v->is_negative) {
        for (size_t i = 0; i < len; i++)
            to[i] = (uint8_t)~to[i];
        to[len++] = 0xFF;
    }
    return len;
}

bool
dynamodb_number_unpack(struct vg_str packed, struct dynamodb_number *ret)
{
    const uint8_t *p = (const uint8_t *)packed.ptr;
    *ret = (struct dynamodb_number) { 0 };
    if (packed.len == 1 && p[0] == 0x80)
        return true;
    bool is_negative = packed.len > 0 && p[0] == 0x3F;
    size_t len = packed.len - (is_negative ? 1 : 0);
    if (packed.len < 3 || len > DYNAMODB_NUMBER_MAX_BYTES - 1 || (!is_negative && p[0] != 0xC0))
        return false;
    uint8_t mask = is_negative ? 0xFF : 0;
    ret->is_negative = is_negative;
    ret->exp = (int16_t)((p[1] ^ mask) + EXP_MIN);
    for (size_t i = 2; i < len; i++) {
        int pair = (p[i] ^ mask) - 1;
        if (pair < 0 || pair > 99)
            return false;
        ret->d[ret->n++] = (uint8_t)(pair / 10);
        ret->d[ret->n++] = (uint8_t)(pair % 10);
    }
    while (ret->n > 0 && ret->d[ret->n - 1] == 0)
        ret->n--;
    return ret->n > 0;
}

size_t
dynamodb_number_size(struct vg_str packed)
{
    if (packed.len <= 1)
        return 1;
    return packed.len - 1; /* lead, exponent, pairs; one more at the end where it is negative */
}

/* Digit of weight 10^(w-1). */
static int
digit_at(const struct dynamodb_number *v, int w)
{
    int i = v->exp - w;
    return i < 0 || i >= v->n ? 0 : v->d[i];
}

/* Compares magnitudes. */
static int
cmp_magnitude(const struct dynamodb_number *a, const struct dynamodb_number *b)
{
    if (a->n == 0 || b->n == 0)
        return (a->n != 0) - (b->n != 0);
    if (a->exp != b->exp)
        return a->exp < b->exp ? -1 : 1;
    size_t n = VG_MIN(a->n, b->n);
    int c = memcmp(a->d, b->d, n);
    return c != 0 ? c : (int)a->n - (int)b->n;
}

enum dynamodb_number_fault
dynamodb_number_add(const struct dynamodb_number *a, const struct dynamodb_number *b, bool is_minus,
                    struct dynamodb_number *ret)
{
    if (a->n == 0 || b->n == 0) {
        *ret = b->n == 0 ? *a : *b;
        if (b->n != 0 && is_minus)
            ret->is_negative = !ret->is_negative;
        return DYNAMODB_NUMBER_OK;
    }
    bool b_negative = b->is_negative != is_minus;
    bool is_sum = a->is_negative == b_negative;
    bool is_a_big = cmp_magnitude(a, b) >= 0;
    const struct dynamodb_number *x = is_a_big ? a : b;
    const struct dynamodb_number *y = is_a_big ? b : a;
    bool is_negative = is_a_big ? a->is_negative : b_negative;

    /* The span between the highest and the lowest digit is at most 256 + 38, and one carry. */
    uint8_t digits[EXP_MAX - EXP_MIN + DYNAMODB_NUMBER_DIGITS_MAX + 2];
    int high = x->exp + 1;
    int low = VG_MIN(x->exp - x->n, y->exp - y->n) + 1;
    int carry = 0;
    for (int w = low; w <= high; w++) {
        int s = digit_at(x, w) + (is_sum ? digit_at(y, w) : -digit_at(y, w)) + carry;
        carry = s < 0 ? -1 : s / 10;
        digits[high - w] = (uint8_t)(s < 0 ? s + 10 : s % 10);
    }
    return settle(digits, (size_t)(high - low + 1), high, is_negative, ret);
}

void
dynamodb_number_from_u64(uint64_t v, struct dynamodb_number *ret)
{
    uint8_t digits[20];
    size_t n = sizeof(digits);
    for (size_t i = n; i > 0; i--) {
        digits[i - 1] = (uint8_t)(v % 10);
        v /= 10;
    }
    (void)settle(digits, n, (int64_t)n, false, ret);
}
