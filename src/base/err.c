/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdio.h>

struct vg_str
vg_err_text(const struct vg_err *err)
{
    return err->text.ptr ? err->text : vg_str_of(err->msg);
}

vg_rc
vg_err_set_at(struct vg_err *err, const char *file, int line, int errnum, const char *fmt, ...)
{
    *err = (struct vg_err) { .os_errno = errnum, .file = file, .line = line };
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    if (errnum != 0 && n >= 0 && (size_t)n < sizeof(err->msg))
        snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", strerror(errnum));
    return VG_FAIL;
}

vg_rc
vg_err_wrap(struct vg_err *err, const char *fmt, ...)
{
    char was[sizeof(err->msg)];
    memcpy(was, err->msg, sizeof(was));
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(err->msg))
        snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %.200s", was);
    return VG_FAIL;
}

void
vg_err_clear(struct vg_err *err)
{
    *err = (struct vg_err) { 0 };
}
