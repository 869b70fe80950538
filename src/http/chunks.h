/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_HTTP_CHUNKS_H
#define VG_HTTP_CHUNKS_H

/*
 * The chunked transfer coding (RFC 9112 section 7.1), strictly: CRLF and nothing else ends a line,
 * a size is 1 to 15 hexadecimal digits, extensions and trailers are bounded and dropped.  Pure: no
 * I/O, no allocation; works on whatever pieces the bytes come in.
 */

#include "base/str.h"

#define VG_CHUNK_EXT_MAX_BYTES (4u << 10)  /* of all extensions of a body together */
#define VG_TRAILERS_MAX_BYTES  (16u << 10) /* of all trailers together             */

struct vg_chunks { /* all zero: at the beginning */
    int state;
    unsigned n_digits, ext_bytes, trailer_bytes;
    uint64_t left;
};

enum vg_chunks_result {
    VG_CHUNKS_MORE, /* everything was used up, the body goes on       */
    VG_CHUNKS_DATA, /* *ret_data holds bytes of the body, inside `in` */
    VG_CHUNKS_END,  /* the body is complete                           */
    VG_CHUNKS_BAD,  /* malformed: for good                            */
};

/* Takes what it can from `in`, up to one piece of data; *ret_used bytes are done with. */
enum vg_chunks_result vg_chunks_next(struct vg_chunks *c, struct vg_str in, size_t *ret_used,
                                     struct vg_str *ret_data);

#endif
