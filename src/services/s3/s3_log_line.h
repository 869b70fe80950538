/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_LOG_LINE_H
#define S3_LOG_LINE_H

/*
 * A line of a server access log: pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */

#include "base/buf.h"

/* What is absent, empty or below 0 is shown as "-". */
struct s3_log_line {
    struct vg_str owner, bucket; /* the owner as a canonical id */
    int64_t at_ms;               /* virtual */
    struct vg_str remote, requester, request_id, operation;
    struct vg_str key;
    bool is_of_rest; /* of what came by HTTP, S3 encodes the key once more */

    struct vg_str method, target; /* both absent: no request of its own, as of a batch's keys */
    int minor;                    /* of HTTP/1 */
    struct vg_str referer, agent;

    int status; /* 0: none */
    struct vg_str code;
    int64_t sent_bytes, object_bytes, total_ms, turn_ms; /* of sent_bytes, 0 is "-" too */
    struct vg_str version_id, host_id;
    struct vg_str signature, cipher, auth; /* "SigV4"; as OpenSSL calls it; "AuthHeader" */
    struct vg_str host, tls_version;       /* "1.3" */
    bool is_acl_required;
};

/* One line with its end, whatever the fields hold. */
struct vg_str s3_log_line(struct vg_arena *arena, const struct s3_log_line *line);

/*
 * A URL without its secrets: signatures and session tokens of presigned ones, keys of customers.
 * "Amazon S3 redacts the signature":
 * https://docs.aws.amazon.com/prescriptive-guidance/latest/presigned-url-best-practices/logging-interactions.html
 */
struct vg_str s3_log_url(struct vg_arena *arena, struct vg_str url);

/* What a request asks for, as far as its head tells. */
struct s3_log_asked {
    struct vg_str method, query;
    bool has_key, is_copy, is_website;
};
/* "REST.GET.OBJECT"; *ret_is_turned: whether such lines tell the turn-around time. */
struct vg_str s3_log_operation(struct vg_arena *arena, const struct s3_log_asked *asked,
                               bool *ret_is_turned);

#endif
