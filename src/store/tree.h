/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_TREE_H
#define VG_STORE_TREE_H

/*
 * An ordered map with its nodes inside the caller's structs (a treap): the memory engine's table
 * and a transaction's own writes.  No allocation, no recursion; not thread-safe.
 */

#include "base/str.h"

struct vg_node {
    struct vg_str key; /* borrowed; must not change while the node is in a tree */
    struct vg_node *up, *low, *high;
    uint32_t weight;
};

struct vg_tree {
    struct vg_node *root;
    size_t len;
    uint32_t dice; /* any start will do */
};

struct vg_node *vg_tree_find(const struct vg_tree *t, struct vg_str key);
/* The first node whose key is not below `key`; NULL: there is none. */
struct vg_node *vg_tree_at_or_after(const struct vg_tree *t, struct vg_str key);
/* The last node whose key is below `key`. */
struct vg_node *vg_tree_before(const struct vg_tree *t, struct vg_str key);
struct vg_node *vg_tree_next(const struct vg_node *n);
struct vg_node *vg_tree_prev(const struct vg_node *n);

/* `n->key` is set and not in the tree yet. */
void vg_tree_insert(struct vg_tree *t, struct vg_node *n);
void vg_tree_remove(struct vg_tree *t, struct vg_node *n);

#endif
