/* partial.c - partial terms and recursion. */
#include <partial_rules.h>

RUN_SUPPLY

enum { NODES_MAX = 64 };

/* The nodes made so far; the context is the first member, so that the functions find them. */
typedef struct Trees {
    Run run;
    Node nodes[NODES_MAX];
    u32 count;
} Trees;

Tree make_node(Run *run, Node a0)
{
    Trees *trees = (Trees *)run;
    CHECK(trees->count < NODES_MAX);
    trees->nodes[trees->count] = a0;
    return (Tree){trees->count++};
}

Node node(Run *run, Tree a0)
{
    return ((Trees *)run)->nodes[a0.id];
}

u32 add(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 + a1;
}

u32 sub(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 - a1;
}

bool half(Run *run, u32 a0, u32 *out)
{
    (void)run;
    *out = a0 / 2;
    return a0 % 2 == 0;
}

u32 note(Run *run, u32 a0)
{
    run_note(run, a0);
    return a0;
}

static Tree leaf(Run *run, u32 value)
{
    return make_node(run, (Node){.kind = Node_Leaf, .as.Leaf = {value}});
}

static Tree pair(Run *run, Tree left, Tree right)
{
    return make_node(run, (Node){.kind = Node_Add, .as.Add = {left, right}});
}

static Tree neg(Run *run, Tree of)
{
    return make_node(run, (Node){.kind = Node_Neg, .as.Neg = {of}});
}

static void check_trees(Run *run)
{
    Tree five = pair(run, leaf(run, 2), leaf(run, 3));
    EXPECT(t_eval(run, five) == 5);
    EXPECT(t_eval(run, pair(run, five, neg(run, leaf(run, 1)))) == 4);
    EXPECT(t_eval(run, neg(run, neg(run, five))) == 5);
    EXPECT(t_eval(run, neg(run, five)) == (u32)-5);
    Tree padded = pair(run, pair(run, five, leaf(run, 0)), leaf(run, 0));
    EXPECT(t_simplify(run, padded).id == five.id);
}

int main(void)
{
    static Trees trees;
    Run *run = &trees.run;
    static const u32 expected[] = {1, 2, 1, 6, 3, 3};
    u32 result = 0;
    check_trees(run);
    EXPECT(t_left(run, 12) == 3);
    EXPECT(t_left(run, 10) == 1003);
    EXPECT(t_left(run, 9) == 7);
    EXPECT(t_quarter(run, 12, &result) && result == 3);
    EXPECT(!t_quarter(run, 6, &result));
    EXPECT(t_right(run, 10, &result) && result == 5);
    EXPECT(!t_right(run, 9, &result));
    EXPECT(t_right(run, 6, &result) && result == 3);
    EXPECT(t_right(run, 8, &result) && result == 3);
    EXPECT(run->note_count == ARRAY_LEN(expected));
    EXPECT(memcmp(run->notes, expected, sizeof expected) == 0);
    return run_finish(run, t_rule_names, t_rule_count);
}
