/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_BASE_LIMITS_H
#define VG_BASE_LIMITS_H

/* Every ceiling of the engine in one place; AWS's own quotas are in each service.toml. */

#define VG_ARENA_MAX_BYTES                                                                         \
    (256u << 20) /* one request's memory before it is answered with an error */
#define VG_HTTP_HEAD_MAX_BYTES                                                                     \
    (64u << 10) /* request line and headers together                      */
#define VG_HTTP_HEADERS_MAX      128u
#define VG_HTTP_TARGET_MAX_BYTES (16u << 10)
#define VG_HTTP_HEAD_TIMEOUT_MS                                                                    \
    10000 /* from the first byte of a head to its last                   */
#define VG_HTTP_IDLE_TIMEOUT_MS                                                                    \
    75000 /* keep-alive without a request                                */
#define VG_HTTP_BODY_STALL_MS                                                                      \
    30000 /* without one byte of a body                                  */
#define VG_HTTP_PIECE_BYTES (64u << 10) /* of a body at once, for a fiber that waits for it */
#define VG_HTTP_AHEAD_BYTES (16u << 10) /* read while the fiber of a request does other things */
#define VG_JSON_DEPTH_MAX   128u
#define VG_XML_DEPTH_MAX    64u
#define VG_XML_NODES_MAX                                                                           \
    200000u /* elements and attributes; 10,000 parts with ten members each fit */
#define VG_BODY_MAX_BYTES     (70u << 20) /* buffered request body, unless the operation says less  */
#define VG_FIBER_STACK_BYTES  (256u << 10)
#define VG_CONNS_MAX          20000u
#define VG_ERR_TEXT_MAX_BYTES (64u << 10)
#define VG_KEY_MAX_BYTES      (64u << 10) /* one key of the store, its partition's id not counted */
#define VG_TX_PARTS_MAX       128u        /* partitions that one transaction names */
#define VG_FMT_MAX_BYTES      (16u << 20) /* vg_str_fmt */

#endif
