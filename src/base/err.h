/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_ERR_H
#define VG_BASE_ERR_H

/*
 * What went wrong, in a struct of the caller's: set if and only if the call failed, untouched on
 * success.  Library layers set a cause (errno, text, place); the request layer sets a modelled AWS
 * error by its generated constructor.  An error that reaches the wire without a definition is
 * InternalFailure: logged with its cause, and the caller learns only the request id.
 */

#include "base/str.h"

#include <stdarg.h>

struct vg_shape;

/* A modelled AWS error; generated (errors.c), or one of the common errors of core/fail.c. */
struct vg_errdef {
    struct vg_str code;       /* "ResourceNotFoundException": on the wire and in __type          */
    struct vg_str query_code; /* awsQueryError code where it differs, else absent                */
    int http_status;
    bool is_sender_fault;
    bool is_retryable;
    const struct vg_shape *shape; /* of `detail`; NULL: only a message                           */
};

struct vg_err {
    const struct vg_errdef *def; /* NULL: an internal failure                                    */
    int os_errno;
    const char *file; /* origin */
    int line;
    struct vg_str text; /* the full message when it outgrows msg; lives in the request's arena   */
    char msg[256];
    void *detail; /* members of the modelled error besides its message; arena; may be NULL       */
};

/* The message, wherever it is. */
struct vg_str vg_err_text(const struct vg_err *err);

/* Each returns VG_FAIL, so that a function can end with `return vg_err_set(err, …);`. */
#define vg_err_set(err, ...) vg_err_set_at((err), __FILE__, __LINE__, 0, __VA_ARGS__)
#define vg_err_errno(err, errnum, ...)                                                             \
    vg_err_set_at((err), __FILE__, __LINE__, (errnum), __VA_ARGS__)
vg_rc vg_err_set_at(struct vg_err *err, const char *file, int line, int errnum, const char *fmt,
                    ...) VG_PRINTF(5, 6);
/* Puts "context: " before the message that is there. */
vg_rc vg_err_wrap(struct vg_err *err, const char *fmt, ...) VG_PRINTF(2, 3);
void vg_err_clear(struct vg_err *err);

#endif
