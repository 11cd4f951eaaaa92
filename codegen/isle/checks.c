/* checks.c - what can be said about a whole set of forms only.
 *
 *   macros       an extractor's body does not lead back to the extractor
 *   definitions  every declared term can be built or taken apart
 *   recursion    terms whose rules lead back to themselves say so (rec)
 *
 * Cycles of terms are strongly connected components (Tarjan 1972), found with an explicit stack. */
#include "front.h"

/* ---- macros ---------------------------------------------------------------------------------- */

typedef VEC(u32) Numbers;

/* The macros that the body of a macro uses, in order. */
static void find_used_macros(Isle *isle, const IsleMacro *macro, Numbers *out)
{
    VEC(IsleNodeRef) work = {0};
    vec_push(isle->arena, &work, macro->body);
    while (work.len > 0) {
        IsleNodeRef node = vec_pop(&work);
        u32 term;
        IsleNodeRef head = isle_first(isle, node);
        IsleNodeKind kind = isle_node(isle, node)->kind;
        if (kind != NODE_LIST && kind != NODE_BIND) {
            continue;
        }
        if (kind == NODE_LIST && isle_is(isle, head, NODE_NAME) &&
            dv_map_get(&isle->term_of_name, isle_node(isle, head)->sym.id, &term) &&
            isle->terms.data[term].etor == ETOR_MACRO) {
            vec_push(isle->arena, out, isle->terms.data[term].macro);
        }
        for (; isle_is_node(head); head = isle_next(isle, head)) {
            vec_push(isle->arena, &work, head);
        }
    }
}

/* ---- components ------------------------------------------------------------------------------ */

/* A graph on 0..count-1 and what the search knows of each number. */
typedef struct Graph {
    Isle *isle;
    u32 count;
    Numbers *edges; /* of each number */
    u32 *order;     /* when it was reached, from 1; 0: not yet */
    u32 *low;       /* the earliest reached that it leads to, of those on the stack */
    bool *on_stack;
    bool *in_cycle; /* the result */
    Numbers stack;
    u32 clock;
} Graph;

typedef struct Visit {
    u32 number;
    u32 edge;
} Visit;

static void graph_init(Graph *graph, Isle *isle, u32 count)
{
    *graph = (Graph){.isle = isle, .count = count};
    graph->edges = ARENA_ARRAY(isle->arena, Numbers, count);
    graph->order = ARENA_ARRAY(isle->arena, u32, count);
    graph->low = ARENA_ARRAY(isle->arena, u32, count);
    graph->on_stack = ARENA_ARRAY(isle->arena, bool, count);
    graph->in_cycle = ARENA_ARRAY(isle->arena, bool, count);
}

static void close_component(Graph *graph, u32 number)
{
    bool is_alone = vec_last(&graph->stack) == number;
    u32 member;
    do {
        member = vec_pop(&graph->stack);
        graph->on_stack[member] = false;
        graph->in_cycle[member] |= !is_alone;
    } while (member != number);
}

static void reach(Graph *graph, u32 number)
{
    graph->order[number] = graph->low[number] = ++graph->clock;
    graph->on_stack[number] = true;
    vec_push(graph->isle->arena, &graph->stack, number);
}

static void search(Graph *graph, u32 root)
{
    VEC(Visit) visits = {0};
    reach(graph, root);
    vec_push(graph->isle->arena, &visits, ((Visit){root, 0}));
    while (visits.len > 0) {
        Visit *visit = &visits.data[visits.len - 1];
        u32 number = visit->number;
        if (visit->edge < graph->edges[number].len) {
            u32 next = graph->edges[number].data[visit->edge++];
            graph->in_cycle[number] |= next == number;
            if (graph->order[next] == 0) {
                reach(graph, next);
                vec_push(graph->isle->arena, &visits, ((Visit){next, 0}));
            } else if (graph->on_stack[next] && graph->order[next] < graph->low[number]) {
                graph->low[number] = graph->order[next];
            }
            continue;
        }
        if (graph->low[number] == graph->order[number]) {
            close_component(graph, number);
        }
        (void)vec_pop(&visits);
        if (visits.len > 0 && graph->low[number] < graph->low[vec_last(&visits).number]) {
            graph->low[vec_last(&visits).number] = graph->low[number];
        }
    }
}

static void find_cycles(Graph *graph)
{
    for (u32 i = 0; i < graph->count; i++) {
        if (graph->order[i] == 0) {
            search(graph, i);
        }
    }
}

void dv_isle_check_macros(Isle *isle)
{
    Graph graph;
    graph_init(&graph, isle, isle->macros.len);
    for (u32 i = 0; i < isle->macros.len; i++) {
        find_used_macros(isle, &isle->macros.data[i], &graph.edges[i]);
    }
    find_cycles(&graph);
    for (u32 i = 0; i < isle->macros.len; i++) {
        if (graph.in_cycle[i]) {
            const IsleMacro *macro = &isle->macros.data[i];
            dv_isle_error(isle, macro->pos, ISLE_MSG_MACRO_CYCLE, isle_term_text(isle, macro->term),
                          NULL);
        }
    }
}

/* ---- definitions, recursion ------------------------------------------------------------------ */

void dv_isle_check_definitions(Isle *isle)
{
    for (u32 i = 0; i < isle->terms.len; i++) {
        const IsleTermInfo *term = &isle->terms.data[i];
        if (term->ctor == CTOR_NONE && term->etor == ETOR_NONE) {
            dv_isle_error(isle, term->pos, ISLE_MSG_UNDEFINED_TERM, isle_text(isle, term->name),
                          NULL);
        }
    }
}

/* The first step by which a rule of the term leads into a cycle the term is in. */
static const IsleStep *find_call(const Isle *isle, const Graph *graph, const IsleTermInfo *term)
{
    for (u32 i = 0; i < term->rules.len; i++) {
        const IsleRuleInfo *rule = isle_rule(isle, term->rules.data[i]);
        for (u32 j = 0; j < rule->steps.len; j++) {
            const IsleStep *step = &rule->steps.data[j];
            if (step->kind == STEP_CONSTRUCT && graph->in_cycle[step->term.id]) {
                return step;
            }
        }
    }
    UNREACHABLE();
}

void dv_isle_check_recursion(Isle *isle)
{
    Graph graph;
    graph_init(&graph, isle, isle->terms.len);
    for (u32 i = 0; i < isle->rules.len; i++) {
        const IsleRuleInfo *rule = &isle->rules.data[i];
        for (u32 j = 0; j < rule->steps.len; j++) {
            if (rule->steps.data[j].kind == STEP_CONSTRUCT) {
                vec_push(isle->arena, &graph.edges[rule->root.id], rule->steps.data[j].term.id);
            }
        }
    }
    find_cycles(&graph);
    for (u32 i = 0; i < isle->terms.len; i++) {
        const IsleTermInfo *term = &isle->terms.data[i];
        if (graph.in_cycle[i] && !term->is_rec) {
            const IsleStep *call = find_call(isle, &graph, term);
            dv_isle_error(isle, term->pos, ISLE_MSG_RECURSION, isle_text(isle, term->name), NULL);
            dv_isle_note(isle, call->pos, ISLE_MSG_RECURS_HERE, NULL, NULL);
        }
    }
}
