/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DYNAMODB_SCHEMA_H
#define DYNAMODB_SCHEMA_H

/*
 * The rules of CreateTable and UpdateTable for keys, attributes, indexes and throughput, in the
 * order and words of AWS.  Each either fills the record or fails with ValidationException.
 */

#include "services/dynamodb/dynamodb_int.h"

/* Adds the definitions to rec->attrs; a name that is there already keeps its place. */
vg_rc dynamodb_schema_attrs(struct vg_req *rq, const struct dynamodb_attribute_definitions *defs,
                            struct dynamodb_rec_table *rec) VG_MUST_USE;
/* rec->hash and rec->range of the table's key schema. */
vg_rc dynamodb_schema_key(struct vg_req *rq, const struct dynamodb_key_schema *schema,
                          struct dynamodb_rec_table *rec) VG_MUST_USE;
vg_rc dynamodb_schema_lsis(struct vg_req *rq,
                           const struct dynamodb_local_secondary_index_list *lsis,
                           struct dynamodb_rec_table *rec) VG_MUST_USE;
/* One more global index, with the next id. */
vg_rc dynamodb_schema_gsi(struct vg_req *rq, const struct dynamodb_global_secondary_index *gsi,
                          struct dynamodb_rec_table *rec) VG_MUST_USE;
/* No attribute is defined that no key uses. */
vg_rc dynamodb_schema_all_used(struct vg_req *rq, const struct dynamodb_rec_table *rec) VG_MUST_USE;
/* Both units, in their bounds; `index` absent: the table's. */
vg_rc dynamodb_schema_throughput(struct vg_req *rq,
                                 const struct dynamodb_provisioned_throughput *pt,
                                 bool is_on_demand, struct vg_str index, int64_t *ret_read,
                                 int64_t *ret_write) VG_MUST_USE;
vg_rc dynamodb_schema_tags(struct vg_req *rq, const struct dynamodb_tag_list *tags,
                           struct dynamodb_rec_table *rec) VG_MUST_USE;

#endif
