/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NOTES_SIGV4_H
#define NOTES_SIGV4_H

/* AWS Signature Version 4 for one POST of aws-json, in plain C without a library. */

#include <stddef.h>

/*
 * Writes the headers X-Amz-Date, X-Amz-Security-Token and Authorization (each line ended by CRLF)
 * to `out`, signed with the credentials that Lambda puts into the environment. `target` is the
 * value of X-Amz-Target. Returns the length, or -1 when `size` is too small.
 */
int sigv4_headers(char *out, size_t size, const char *service, const char *host, const char *target,
                  const char *body, size_t body_len);

#endif
