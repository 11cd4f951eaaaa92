/* regex.c - a regular expression becomes a small program, run by all its threads in step.
 *
 * The compiler emits code while it reads, with no tree in between. Jumps are relative, so a
 * finished piece of code can be moved (to put a branch in front of it, for * ? and |) and copied
 * (for {n,m}). An open group is a frame on a stack: where it starts, where its current alternative
 * starts, and the jumps that end its alternatives, chained through their distance fields until the
 * group closes and they are known.
 *
 * The search is Pike's: a list of threads, in order of preference, all at the same place of the
 * text. A thread runs until it needs a byte; no two threads stand at the same instruction, hence
 * the time is linear. When a thread matches, those behind it are dropped, and those ahead of it may
 * still find a match that is preferred. Following jumps uses an explicit stack, as patterns are
 * input.
 *
 * Sources: R. Cox, "Regular Expression Matching: the Virtual Machine Approach" (2009); the syntax
 * page of the regex crate.
 */
#include "tools/regex.h"

enum {
    RE_BYTE,
    RE_CLASS,
    RE_JUMP,
    RE_SPLIT_NEXT, /* prefers the next instruction to the one x further */
    RE_SPLIT_FAR,  /* prefers the one x further */
    RE_SAVE,
    RE_LINE_START,
    RE_LINE_END,
    RE_WORD_EDGE,
    RE_NO_WORD_EDGE,
    RE_MATCH
};

#define NO_ATOM UINT32_MAX

typedef struct Frame {
    u32 start;     /* of the group's code */
    u32 alt_start; /* of the current alternative's */
    u32 jumps;     /* one more than the place of the newest jump to the group's end; 0: none */
    u32 group;     /* 0 if it does not capture */
    u32 offset;    /* of its parenthesis */
} Frame;

typedef struct Compiler {
    Regex *re;
    Arena *arena;
    RegexError *error;
    const char *start, *at, *end;
    u32 atom; /* where the code that a repetition would repeat starts, or NO_ATOM */
    VEC(Frame) frames;
} Compiler;

static bool fail_at(Compiler *c, const char *where, const char *text)
{
    c->error->offset = (u32)(where - c->start);
    c->error->text = text;
    return false;
}

static bool emit(Compiler *c, u8 op, i32 x)
{
    if (c->re->code.len >= REGEX_CODE_MAX) {
        return fail_at(c, c->at, "the regular expression is too large");
    }
    RegexInst inst = {op, x};
    vec_push(c->arena, &c->re->code, inst);
    return true;
}

/* Puts a branch in front of the code from `at` on, which skips it. */
static bool insert_split(Compiler *c, u32 at, bool lazy)
{
    if (!emit(c, RE_SPLIT_NEXT, 0)) {
        return false;
    }
    RegexInst *code = c->re->code.data;
    u32 len = c->re->code.len;
    memmove(code + at + 1, code + at, (len - 1 - at) * sizeof *code);
    code[at] = (RegexInst){lazy ? RE_SPLIT_FAR : RE_SPLIT_NEXT, (i32)(len - at)};
    return true;
}

/* ---- Classes
 * ----------------------------------------------------------------------------------------- */

static void class_add(RegexClass *set, u32 low, u32 high)
{
    for (u32 b = low; b <= high; b++) {
        set->bits[b / 32] |= 1u << b % 32;
    }
}

static bool class_has(const RegexClass *set, u8 b)
{
    return (set->bits[b / 32] >> b % 32 & 1) != 0;
}

static void class_invert(RegexClass *set)
{
    for (u32 i = 0; i < 8; i++) {
        set->bits[i] = ~set->bits[i];
    }
}

/* The class that \d \w \s and their capitals name; false if the letter names none. */
static bool class_of_letter(char letter, RegexClass *set)
{
    *set = (RegexClass){{0}};
    switch (letter) {
    case 'd':
    case 'D':
        class_add(set, '0', '9');
        break;
    case 'w':
    case 'W':
        class_add(set, '0', '9');
        class_add(set, 'A', 'Z');
        class_add(set, 'a', 'z');
        class_add(set, '_', '_');
        break;
    case 's':
    case 'S':
        class_add(set, '\t', '\r');
        class_add(set, ' ', ' ');
        break;
    default:
        return false;
    }
    if (letter < 'a') {
        class_invert(set);
    }
    return true;
}

static bool emit_class(Compiler *c, const RegexClass *set)
{
    c->atom = c->re->code.len;
    vec_push(c->arena, &c->re->classes, *set);
    return emit(c, RE_CLASS, (i32)(c->re->classes.len - 1));
}

static i32 hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* What stands behind a backslash as one byte, cursor past it. */
static bool read_escaped_byte(Compiler *c, u8 *byte)
{
    static const char letters[] = "nrtfv";
    static const char meanings[] = "\n\r\t\f\v";
    char letter = *c->at;
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    if (found != NULL) {
        *byte = (u8)meanings[found - letters];
    } else if (letter == 'x') {
        i32 high = c->end - c->at > 2 ? hex_digit(c->at[1]) : -1;
        i32 low = c->end - c->at > 2 ? hex_digit(c->at[2]) : -1;
        if (high < 0 || low < 0) {
            return fail_at(c, c->at, "expected two hexadecimal digits after \\x");
        }
        *byte = (u8)(high << 4 | low);
        c->at += 2;
    } else if ((letter >= '!' && letter <= '/') || (letter >= ':' && letter <= '@') ||
               (letter >= '[' && letter <= '`') || (letter >= '{' && letter <= '~')) {
        *byte = (u8)letter;
    } else {
        return fail_at(c, c->at - 1, "unknown escape");
    }
    c->at++;
    return true;
}

/* One item of a class: a whole class (*byte unset, *whole) or one byte. */
static bool read_class_item(Compiler *c, RegexClass *whole, bool *is_whole, u8 *byte)
{
    *is_whole = false;
    char first = *c->at++;
    if (first == '[') {
        return fail_at(c, c->at - 1, "a [ inside of a class must be escaped");
    }
    if ((u8)first >= 0x80) {
        return fail_at(c, c->at - 1, "only ASCII may stand in a class");
    }
    if (first != '\\') {
        *byte = (u8)first;
        return true;
    }
    if (c->at == c->end) {
        return fail_at(c, c->at - 1, "a backslash ends the pattern");
    }
    if (class_of_letter(*c->at, whole)) {
        *is_whole = true;
        c->at++;
        return true;
    }
    return read_escaped_byte(c, byte);
}

static bool parse_class(Compiler *c)
{
    const char *open = c->at - 1;
    RegexClass set = {{0}};
    bool negated = c->at < c->end && *c->at == '^';
    c->at += negated;
    for (bool first = true; c->at < c->end && (*c->at != ']' || first); first = false) {
        RegexClass whole;
        bool is_whole;
        u8 low, high;
        const char *item = c->at;
        if (!read_class_item(c, &whole, &is_whole, &low)) {
            return false;
        }
        if (is_whole) {
            for (u32 i = 0; i < 8; i++) {
                set.bits[i] |= whole.bits[i];
            }
            continue;
        }
        high = low;
        if (c->end - c->at >= 2 && c->at[0] == '-' && c->at[1] != ']') {
            c->at++;
            if (!read_class_item(c, &whole, &is_whole, &high)) {
                return false;
            }
            if (is_whole || high < low) {
                return fail_at(c, item, "bad range in a class");
            }
        }
        class_add(&set, low, high);
    }
    if (c->at == c->end) {
        return fail_at(c, open, "a class without its ]");
    }
    c->at++;
    if (negated) {
        class_invert(&set);
    }
    return emit_class(c, &set);
}

/* ---- Groups, alternatives, repetitions
 * --------------------------------------------------------------- */

/* Reads name> of a named group. */
static bool parse_group_name(Compiler *c, u32 *group)
{
    const char *name = c->at;
    while (c->at < c->end && *c->at != '>') {
        c->at++;
    }
    if (c->at == c->end || c->at == name) {
        return fail_at(c, name, "expected the name of a group and >");
    }
    Str text = {name, (u32)(c->at - name)};
    c->at++;
    if (dv_regex_group(c->re, text) != 0) {
        return fail_at(c, name, "there is another group of this name");
    }
    if (c->re->num_groups == REGEX_GROUPS_MAX) {
        return fail_at(c, name, "too many named groups");
    }
    *group = c->re->num_groups++;
    c->re->names[*group] = text;
    return true;
}

static bool starts_with(const Compiler *c, const char *text)
{
    usize n = strlen(text);
    return (usize)(c->end - c->at) >= n && memcmp(c->at, text, n) == 0;
}

static bool open_group(Compiler *c)
{
    Frame frame = {c->re->code.len, 0, 0, 0, (u32)(c->at - 1 - c->start)};
    if (c->frames.len > REGEX_DEPTH_MAX) {
        return fail_at(c, c->at - 1, "groups are nested too deeply");
    }
    if (starts_with(c, "?:")) {
        c->at += 2;
    } else if (starts_with(c, "?P<") || starts_with(c, "?<")) {
        c->at += c->at[1] == 'P' ? 3 : 2;
        if (!parse_group_name(c, &frame.group) || !emit(c, RE_SAVE, (i32)(2 * frame.group))) {
            return false;
        }
    } else if (starts_with(c, "?")) {
        return fail_at(c, c->at, "expected ?: or ?P<name> in a group");
    }
    frame.alt_start = c->re->code.len;
    vec_push(c->arena, &c->frames, frame);
    c->atom = NO_ATOM;
    return true;
}

/* At | : what came since the last one is an alternative to what follows. */
static bool end_alternative(Compiler *c)
{
    Frame *frame = &vec_at(&c->frames, c->frames.len - 1);
    if (!insert_split(c, frame->alt_start, false) || !emit(c, RE_JUMP, (i32)frame->jumps)) {
        return false;
    }
    u32 len = c->re->code.len;
    c->re->code.data[frame->alt_start].x = (i32)(len - frame->alt_start);
    frame->jumps = len;
    frame->alt_start = len;
    c->atom = NO_ATOM;
    return true;
}

/* The jumps of the innermost frame's alternatives go to the current end. */
static Frame pop_frame(Compiler *c)
{
    Frame frame = vec_pop(&c->frames);
    for (u32 next = frame.jumps; next != 0;) {
        RegexInst *jump = &vec_at(&c->re->code, next - 1);
        u32 at = next - 1;
        next = (u32)jump->x;
        jump->x = (i32)(c->re->code.len - at);
    }
    return frame;
}

static bool close_group(Compiler *c)
{
    if (c->frames.len == 1) {
        return fail_at(c, c->at - 1, "a ) without its (");
    }
    Frame frame = pop_frame(c);
    c->atom = frame.start;
    return frame.group == 0 || emit(c, RE_SAVE, (i32)(2 * frame.group + 1));
}

static bool read_count(Compiler *c, u32 *count)
{
    const char *first = c->at;
    u32 n = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        n = n * 10 + (u32)(*c->at++ - '0');
        if (n > REGEX_REPEAT_MAX) {
            return fail_at(c, first, "a repetition may be counted up to 1000");
        }
    }
    *count = n;
    return c->at > first || fail_at(c, first, "expected {n}, {n,} or {n,m}");
}

/* The {n,m} behind an opening brace; UINT32_MAX for no upper bound. */
static bool read_bounds(Compiler *c, u32 *min, u32 *max)
{
    if (!read_count(c, min)) {
        return false;
    }
    *max = *min;
    if (c->at < c->end && *c->at == ',') {
        c->at++;
        *max = UINT32_MAX;
        if (c->at < c->end && *c->at != '}' && !read_count(c, max)) {
            return false;
        }
    }
    if (c->at == c->end || *c->at != '}' || *max < *min) {
        return fail_at(c, c->at, "expected {n}, {n,} or {n,m}");
    }
    c->at++;
    return true;
}

/* The code from `at` to the end becomes a loop: once or more, or any number of times. */
static bool make_loop(Compiler *c, u32 at, bool once, bool lazy)
{
    if (once) {
        return emit(c, lazy ? RE_SPLIT_NEXT : RE_SPLIT_FAR, (i32)at - (i32)c->re->code.len);
    }
    if (!insert_split(c, at, lazy) || !emit(c, RE_JUMP, (i32)at - (i32)c->re->code.len)) {
        return false;
    }
    c->re->code.data[at].x++; /* over the jump as well */
    return true;
}

static bool copy_code(Compiler *c, u32 from, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        RegexInst inst = c->re->code.data[from + i];
        if (!emit(c, inst.op, inst.x)) {
            return false;
        }
    }
    return true;
}

/* x{min,max}: min copies, then the rest as x(x(x)?)? or, without bound, a loop around the last. */
static bool unfold(Compiler *c, u32 min, u32 max, bool lazy)
{
    u32 size = c->re->code.len - c->atom;
    u32 copies = max == UINT32_MAX ? min : max;
    if (copies == 0) {
        if (max == UINT32_MAX) {
            return make_loop(c, c->atom, false, lazy);
        }
        c->re->code.len = c->atom; /* x{0} */
        return true;
    }
    for (u32 i = 1; i < copies; i++) {
        if (!copy_code(c, c->atom, size)) {
            return false;
        }
    }
    if (max == UINT32_MAX) {
        return make_loop(c, c->re->code.len - size, true, lazy);
    }
    for (u32 i = 0; i < max - min; i++) { /* from the last, whose skip is the shortest */
        if (!insert_split(c, c->atom + (max - 1 - i) * size, lazy)) {
            return false;
        }
    }
    return true;
}

static bool parse_repetition(Compiler *c, char kind)
{
    const char *where = c->at - 1;
    u32 min = kind == '+', max = kind == '?' ? 1 : UINT32_MAX;
    if (kind == '{' && !read_bounds(c, &min, &max)) {
        return false;
    }
    if (c->atom == NO_ATOM) {
        return fail_at(c, where, "nothing stands before the repetition");
    }
    bool lazy = c->at < c->end && *c->at == '?';
    c->at += lazy;
    return unfold(c, min, max, lazy);
}

/* ---- The rest of the grammar
 * --------------------------------------------------------------------------- */

static bool emit_atom(Compiler *c, u8 op, i32 x)
{
    c->atom = c->re->code.len;
    return emit(c, op, x);
}

static bool parse_escape(Compiler *c)
{
    RegexClass set;
    u8 byte;
    if (c->at == c->end) {
        return fail_at(c, c->at - 1, "a backslash ends the pattern");
    }
    if (*c->at == 'b' || *c->at == 'B') {
        return emit_atom(c, *c->at++ == 'b' ? RE_WORD_EDGE : RE_NO_WORD_EDGE, 0);
    }
    if (class_of_letter(*c->at, &set)) {
        c->at++;
        return emit_class(c, &set);
    }
    return read_escaped_byte(c, &byte) && emit_atom(c, RE_BYTE, byte);
}

static bool parse_any(Compiler *c)
{
    RegexClass set = {{0}};
    class_add(&set, '\n', '\n');
    class_invert(&set);
    return emit_class(c, &set);
}

static bool parse_item(Compiler *c)
{
    char first = *c->at++;
    switch (first) {
    case '(':
        return open_group(c);
    case ')':
        return close_group(c);
    case '|':
        return end_alternative(c);
    case '*':
    case '+':
    case '?':
    case '{':
        return parse_repetition(c, first);
    case '[':
        return parse_class(c);
    case '\\':
        return parse_escape(c);
    case '.':
        return parse_any(c);
    case '^':
        return emit_atom(c, RE_LINE_START, 0);
    case '$':
        return emit_atom(c, RE_LINE_END, 0);
    default:
        return emit_atom(c, RE_BYTE, (u8)first);
    }
}

bool dv_regex_compile(Regex *regex, Arena *arena, Str pattern, RegexError *error)
{
    const char *end = pattern.data + pattern.len;
    Compiler c = {regex, arena, error, pattern.data, pattern.data, end, NO_ATOM, {NULL, 0, 0}};
    Frame whole = {0};
    memset(regex, 0, sizeof *regex);
    regex->num_groups = 1;
    *error = (RegexError){0, NULL};
    vec_push(arena, &c.frames, whole);
    while (c.at < c.end) {
        if (!parse_item(&c)) {
            return false;
        }
    }
    if (c.frames.len > 1) {
        return fail_at(&c, c.start + vec_last(&c.frames).offset, "a ( without its )");
    }
    pop_frame(&c);
    return emit(&c, RE_MATCH, 0);
}

u32 dv_regex_group(const Regex *regex, Str name)
{
    for (u32 i = 1; i < regex->num_groups; i++) {
        if (regex->names[i].len == name.len &&
            memcmp(regex->names[i].data, name.data, name.len) == 0) {
            return i;
        }
    }
    return 0;
}

/* ---- The search
 * ------------------------------------------------------------------------------------------ */

typedef struct Threads {
    u32 count;
    u32 *insts;  /* in order of preference */
    u32 *places; /* num_slots of each */
} Threads;

/* What is still to follow: an instruction, or a slot to give back its value once all that was
 * reached with another one has been followed. */
typedef struct Task {
    u32 inst; /* or TASK_RESTORE */
    u32 slot;
    u32 place;
} Task;

#define TASK_RESTORE UINT32_MAX

typedef struct Search {
    const Regex *re;
    Str text;
    u32 num_slots;
    u64 *visited; /* by instruction: one more than the place where a thread was there last */
    Task *tasks;  /* an instruction gives at most two, and is visited once: no more than 2 * code */
    u32 *slots;
} Search;

static bool is_word_at(Str text, u32 at)
{
    RegexClass word;
    class_of_letter('w', &word);
    return at < text.len && class_has(&word, (u8)text.data[at]);
}

static bool condition_holds(u8 op, Str text, u32 at)
{
    bool edge = (at > 0 && is_word_at(text, at - 1)) != is_word_at(text, at);
    switch (op) {
    case RE_LINE_START:
        return at == 0 || text.data[at - 1] == '\n';
    case RE_LINE_END:
        return at == text.len || text.data[at] == '\n';
    case RE_WORD_EDGE:
        return edge;
    default:
        return !edge;
    }
}

static u32 push_task(Search *s, u32 count, Task task)
{
    CHECK(count < 2 * s->re->code.len);
    s->tasks[count] = task;
    return count + 1;
}

/* Follows the jumps from an instruction, and adds a thread wherever a byte is needed. s->slots are
 * the thread's, and unchanged in the end. */
static void add_threads(Search *s, Threads *list, u32 first, u32 at)
{
    u32 count = push_task(s, 0, (Task){first, 0, 0});
    while (count > 0) {
        Task task = s->tasks[--count];
        if (task.inst == TASK_RESTORE) {
            s->slots[task.slot] = task.place;
            continue;
        }
        if (s->visited[task.inst] == (u64)at + 1) {
            continue;
        }
        s->visited[task.inst] = (u64)at + 1;
        const RegexInst *inst = &s->re->code.data[task.inst];
        Task next = {task.inst + 1, 0, 0};
        Task far = {(u32)((i32)task.inst + inst->x), 0, 0};
        switch (inst->op) {
        case RE_JUMP:
            count = push_task(s, count, far);
            break;
        case RE_SPLIT_NEXT:
            count = push_task(s, count, far);
            count = push_task(s, count, next);
            break;
        case RE_SPLIT_FAR:
            count = push_task(s, count, next);
            count = push_task(s, count, far);
            break;
        case RE_SAVE:
            count = push_task(s, count, (Task){TASK_RESTORE, (u32)inst->x, s->slots[inst->x]});
            s->slots[inst->x] = at;
            count = push_task(s, count, next);
            break;
        case RE_LINE_START:
        case RE_LINE_END:
        case RE_WORD_EDGE:
        case RE_NO_WORD_EDGE:
            if (condition_holds(inst->op, s->text, at)) {
                count = push_task(s, count, next);
            }
            break;
        default:
            memcpy(list->places + (usize)list->count * s->num_slots, s->slots,
                   s->num_slots * sizeof *s->slots);
            list->insts[list->count++] = task.inst;
            break;
        }
    }
}

/* Lets every thread take the byte at `at`. True if one matches: its slots are in s->slots, and less
 * preferred ones are gone. */
static bool step(Search *s, const Threads *now, Threads *later, u32 at, u32 *match)
{
    for (u32 i = 0; i < now->count; i++) {
        const RegexInst *inst = &s->re->code.data[now->insts[i]];
        const u32 *places = now->places + (usize)i * s->num_slots;
        if (inst->op == RE_MATCH) {
            memcpy(match, places, s->num_slots * sizeof *match);
            match[1] = at;
            return true;
        }
        if (at == s->text.len) {
            continue;
        }
        u8 byte = (u8)s->text.data[at];
        bool takes = inst->op == RE_BYTE ? byte == (u8)inst->x
                                         : class_has(&s->re->classes.data[inst->x], byte);
        if (takes) {
            memcpy(s->slots, places, s->num_slots * sizeof *places);
            add_threads(s, later, now->insts[i] + 1, at + 1);
        }
    }
    return false;
}

bool dv_regex_search(const Regex *regex, Arena *scratch, Str text, RegexSpan *spans)
{
    CHECK(text.len < REGEX_NO_MATCH);
    ArenaMark mark = dv_arena_mark(scratch);
    u32 size = regex->code.len, num_slots = 2 * regex->num_groups;
    u32 match[2 * REGEX_GROUPS_MAX];
    Threads lists[2];
    for (u32 i = 0; i < 2; i++) {
        lists[i] = (Threads){0, ARENA_ARRAY(scratch, u32, size),
                             ARENA_ARRAY(scratch, u32, (usize)size * num_slots)};
    }
    Search s = {regex,
                text,
                num_slots,
                ARENA_ARRAY(scratch, u64, size),
                ARENA_ARRAY(scratch, Task, 2 * (usize)size),
                ARENA_ARRAY(scratch, u32, num_slots)};
    Threads *now = &lists[0], *later = &lists[1];
    bool found = false;
    for (u32 at = 0; at <= text.len && !(found && now->count == 0); at++) {
        if (!found) { /* a match may start here, if none that started before is found */
            memset(s.slots, 0xff, num_slots * sizeof *s.slots);
            s.slots[0] = at;
            add_threads(&s, now, 0, at);
        }
        later->count = 0;
        found = step(&s, now, later, at, match) || found;
        Threads *other = now;
        now = later;
        later = other;
    }
    for (u32 i = 0; found && i < regex->num_groups; i++) {
        spans[i] = (RegexSpan){match[2 * i], match[2 * i + 1]};
    }
    dv_arena_release_to(scratch, mark);
    return found;
}
