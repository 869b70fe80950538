/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KMS_GRANT_RULES_H
#define KMS_GRANT_RULES_H

/*
 * What a grant allows: pure rules.
 * https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
 */

#include "auth/principal.h"
#include "services/kms/model.h"
#include "services/kms/records.h"

/* Whether a grant's principal (a user, a role, a session, an account's root) is the caller. */
bool kms_principal_is(struct vg_str arn, const struct vg_principal *who);
/*
 * "Decrypt" of "kms:Decrypt" by `who`, with that encryption context (NULL: none).  Constraints bind
 * cryptographic operations only.
 */
bool kms_grant_allows(const struct kms_rec_grant *grant, const struct vg_principal *who,
                      struct vg_str operation, const struct kms_encryption_context_type *context);
/*
 * Whether who has CreateGrant by `grant` alone may make `child`: "the grants that they create …
 * have the same grant constraints or stricter, and the same operations or fewer".
 */
bool kms_grant_covers(const struct kms_rec_grant *grant, const struct kms_rec_grant *child);
/* What grants of symmetric encryption keys may be for. */
bool kms_grant_operation_fits(struct vg_str operation);
/* Whether it is the same grant but for its id, date and issuer. */
bool kms_grant_is_same(const struct kms_rec_grant *a, const struct kms_rec_grant *b);

#endif
