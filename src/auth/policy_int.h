/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_AUTH_POLICY_INT_H
#define VG_AUTH_POLICY_INT_H

/* The compiled form; shared by the policy_*.c files only. */

#include "auth/policy.h"
#include "base/arena.h"

/* --- patterns ----------------------------------------------------------------------------------
 */

/* In compiled text these two bytes are wildcards and everything else, '*' too, is itself. */
#define PAT_MANY '\x01'
#define PAT_ONE  '\x02'

enum pat_kind {
    PAT_ANY,    /* "*"                                   */
    PAT_EXACT,  /* no wildcard                           */
    PAT_PREFIX, /* one wildcard, at the end; text is without it */
    PAT_GLOB,
    PAT_VARS, /* has policy variables: expanded when used */
};

struct ctx_key {
    struct vg_str name; /* as written */
    int id;             /* enum key_id: what the evaluator derives */
    struct vg_str sub;  /* after the '/': the tag's key */
};

struct pat_piece {
    struct vg_str text; /* literal (wildcards coded) when key.name is absent */
    struct ctx_key key;
    struct vg_str otherwise; /* the default; absent: none */
};

struct pattern {
    enum pat_kind kind;
    struct vg_str text;
    const struct pat_piece *pieces;
    size_t n_pieces;
};

enum pat_flags {
    PAT_WILD = 1,      /* '*' and '?' are wildcards */
    PAT_VARIABLES = 2, /* ${…} is expanded          */
    PAT_LOWER = 4,     /* compiled in lower case    */
};

/* False when the text cannot be a pattern. */
bool pattern_compile(struct vg_arena *arena, struct vg_str text, unsigned flags,
                     struct pattern *ret);

struct eval;
/* Whole-text match; `is_nocase` folds ASCII. */
bool pattern_match(struct eval *ev, const struct pattern *p, struct vg_str text, bool is_nocase);
/* As ARNs match: the six fields one by one, the last one to the end. */
bool pattern_match_arn(struct eval *ev, const struct pattern *p, struct vg_str arn);
/* A variable without wildcards resolved to plain text; false: it cannot be. */
bool pattern_resolve(struct eval *ev, const struct pattern *p, struct vg_str *ret);

/* --- conditions ----------------------------------------------------------------------------------
 */

enum cond_op {
    OP_STRING_EQ = 1,
    OP_STRING_EQ_NOCASE,
    OP_STRING_LIKE,
    OP_NUM_EQ,
    OP_NUM_LT,
    OP_NUM_LE,
    OP_NUM_GT,
    OP_NUM_GE,
    OP_DATE_EQ,
    OP_DATE_LT,
    OP_DATE_LE,
    OP_DATE_GT,
    OP_DATE_GE,
    OP_BOOL,
    OP_BINARY,
    OP_IP,
    OP_ARN,
    OP_NULL,
};

enum cond_set { SET_NONE, SET_ANY, SET_ALL };

struct cidr {
    uint8_t bytes[16];
    int bits;
    bool is_v6;
};

struct cond_value {
    struct pattern pat; /* strings, ARNs, booleans, binary */
    bool is_valid;      /* numbers, dates, addresses: it could be read */
    double num;
    int64_t ms;
    struct cidr cidr;
};

struct condition {
    enum cond_op op;
    enum cond_set set;
    bool is_negated, if_exists;
    struct ctx_key key;
    struct cond_value *values;
    size_t n_values;
};

bool cond_op_find(struct vg_str name, struct condition *ret);
void cond_value_compile(struct vg_arena *arena, const struct condition *c, struct vg_str text,
                        bool has_variables, struct cond_value *ret);
bool cond_match(struct eval *ev, const struct condition *c);

/* --- statements ----------------------------------------------------------------------------------
 */

enum principal_kind { PR_ANY, PR_ACCOUNT, PR_ARN, PR_SERVICE, PR_FEDERATED, PR_CANONICAL };

struct principal_entry {
    enum principal_kind kind;
    struct vg_str text;
};

struct pattern_list {
    struct pattern *items;
    size_t len;
    bool is_not; /* NotAction, NotResource */
    bool is_there;
};

struct statement {
    struct vg_str sid;
    bool is_deny;
    struct pattern_list actions, resources;
    struct principal_entry *principals;
    size_t n_principals;
    bool has_principal, is_not_principal;
    struct condition *conds;
    size_t n_conds;
    size_t start, end; /* struct vg_match */
};

struct vg_policy {
    struct vg_str id;
    bool has_variables; /* version 2012-10-17 */
    struct statement *statements;
    size_t n_statements;
};

/* --- the request under evaluation --------------------------------------------------------------
 */

struct eval {
    struct vg_arena *arena;
    const struct vg_principal *who;
    const struct vg_access *what;
    struct vg_str resource_account;
    struct vg_str action_lower;
    int64_t now_ms;
    bool has_boundary;
    vg_matches *matches; /* every statement that applies goes here; NULL: not wanted */
    bool is_unresolved;  /* a policy variable had no value since this was last cleared */
};

struct ctx_values {
    bool is_there;
    size_t n;
    struct vg_str one; /* when n == 1 */
    const struct vg_str *many;
};

struct ctx_key ctx_key_of(struct vg_str name);
void ctx_get(struct eval *ev, const struct ctx_key *key, struct ctx_values *ret);

static inline struct vg_str
ctx_value(const struct ctx_values *v, size_t i)
{
    return v->n == 1 ? v->one : v->many[i];
}

/* ISO 8601 as W3C profiles it, or seconds since 1970. */
bool policy_date(struct vg_str text, int64_t *ret_ms);

#endif
