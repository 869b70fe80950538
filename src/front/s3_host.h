/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_FRONT_S3_HOST_H
#define VG_FRONT_S3_HOST_H

/*
 * Buckets that are named by the host: "virtual-hosted-style" requests.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 *
 * Pure functions; any thread.
 */

#include "base/str.h"

/*
 * Whether a name (of struct vg_host) is one of S3's: a label "s3" or "s3-fips", whatever follows
 * (dualstack, the region, where the daemon is reached).  *ret_bucket is what stands before it;
 * absent: nothing, so that the path names the bucket.  Names of buckets may hold dots and labels
 * "s3": the last one counts.
 */
bool vg_s3_host(struct vg_str name, struct vg_str *ret_bucket);

/*
 * Clients whose endpoint is "http://localhost:4566" say "{bucket}.localhost": what stands before
 * ".localhost", absent where nothing does.
 */
struct vg_str vg_s3_host_of_localhost(struct vg_str name);

#endif
