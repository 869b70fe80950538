/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_FORM_PARTS_H
#define S3_FORM_PARTS_H

/*
 * A body of multipart/form-data taken apart while it comes (RFC 7578, RFC 2046, section 5.1): pure,
 * no I/O.  Keeps the head of one part and no bytes of its content, so that memory does not grow
 * with what is sent.
 */

#include "base/arena.h"
#include "base/buf.h"

#define S3_PART_HEAD_MAX_BYTES 20480u

enum s3_part_event {
    S3_PART_MORE,   /* all bytes are used up                             */
    S3_PART_HEAD,   /* a part begins: parts->name, parts->filename       */
    S3_PART_DATA,   /* some of its content                               */
    S3_PART_END,    /* the part is whole                                 */
    S3_PART_CLOSED, /* so is the form; whatever follows is no part of it */
    S3_PART_BAD,    /* it is not well-formed; so is every further call   */
};

struct s3_form_parts {
    struct vg_str name;     /* of the part; arena */
    struct vg_str filename; /* absent: it has none */
    /* private */
    struct vg_arena *arena;
    struct vg_str delimiter; /* line break, two hyphens, boundary */
    struct vg_buf head;
    size_t matched; /* of the delimiter, or of what follows it */
    size_t given;   /* how much of it was matched before the content began */
    int state;
    bool is_preamble;
};

/* Whether a Content-Type is multipart/form-data. */
bool s3_form_is(struct vg_str content_type);
/* Its boundary; absent: it has none that can be used. */
struct vg_str s3_form_boundary(struct vg_arena *arena, struct vg_str content_type);

void s3_form_parts_init(struct s3_form_parts *p, struct vg_arena *arena, struct vg_str boundary);
/*
 * What comes next in `*rest`, from which it cuts what it has used.  `ret_data` of S3_PART_DATA is
 * never empty, and valid as long as the bytes and `p` are.
 */
enum s3_part_event s3_form_parts_next(struct s3_form_parts *p, struct vg_str *rest,
                                      struct vg_str *ret_data);

#endif
