/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/principal.h"

const struct vg_principal vg_principal_anonymous = {
    .kind = VG_PRINCIPAL_ANONYMOUS,
    .partition = VG_STR_INIT("aws"),
    .account = VG_STR_INIT(""),
    .arn = VG_STR_INIT("anonymous"),
    .user_id = VG_STR_INIT("anonymous"),
    .name = VG_STR_INIT("anonymous"),
};
