/* bintree.c - malloc and free: binary trees are made, walked and torn down, while an old one lives on.
 *
 * usage: bintree [N]. N units of work, 50 without it. A unit makes trees of 4 to 16 levels, about as many nodes of
 * each depth, and exchanges a branch of the old tree. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MIN_LEVELS = 4, MAX_LEVELS = 16, OLD_LEVELS = 15, NODES = 1 << MAX_LEVELS };

typedef struct Tree {
    struct Tree *left, *right;
    uint32_t value;
} Tree;

static Tree *make(uint32_t levels, uint32_t value)
{
    Tree *tree = malloc(sizeof *tree);
    if (!tree) {
        puts("bintree: out of memory");
        exit(1);
    }
    tree->value = value;
    tree->left = levels > 1 ? make(levels - 1, 2 * value + 1) : NULL;
    tree->right = levels > 1 ? make(levels - 1, 2 * value + 2) : NULL;
    return tree;
}

static uint32_t sum_up(const Tree *tree)
{
    return tree ? tree->value + 3 * sum_up(tree->left) + 5 * sum_up(tree->right) : 1;
}

static void tear_down(Tree *tree)
{
    if (tree) {
        tear_down(tree->left);
        tear_down(tree->right);
        free(tree);
    }
}

/* Replaces the branch that the bits of `path` lead to by a new one. */
static void exchange(Tree *tree, uint32_t path, uint32_t value)
{
    Tree **branch = &tree;
    for (uint32_t levels = OLD_LEVELS; levels > 8; levels--, path >>= 1) {
        branch = path & 1 ? &(*branch)->left : &(*branch)->right;
    }
    tear_down(*branch);
    *branch = make(8, value);
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0;
    Tree *old = make(OLD_LEVELS, 0);
    for (uint32_t i = 0; i < units; i++) {
        for (uint32_t levels = MIN_LEVELS; levels <= MAX_LEVELS; levels += 2) {
            for (uint32_t j = 0; j < (uint32_t)NODES >> levels; j++) {
                Tree *tree = make(levels, i + j);
                sum = sum * 7 + sum_up(tree);
                tear_down(tree);
            }
        }
        exchange(old, i * 2654435761u, i);
    }
    printf("bintree: %08" PRIx32 ", old tree %08" PRIx32 "\n", sum, sum_up(old));
    tear_down(old);
    return 0;
}
