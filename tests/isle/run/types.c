/* types.c - types of every form. */
#include <types_rules.h>

RUN_SUPPLY

u64 widen(Run *run, u32 a0)
{
    (void)run;
    return a0;
}

u32 byte(Run *run, u8 a0)
{
    (void)run;
    return a0;
}

u32 handle_number(Run *run, Handle a0)
{
    (void)run;
    return a0.number;
}

Handle make_handle(Run *run, u32 a0)
{
    (void)run;
    return (Handle){a0, a0 + 1};
}

static void check_tuples(Run *run)
{
    EXPECT(t_tuple(run, (Tuple){.kind = Tuple_Single, .as.Single = {7}}) == 1);
    EXPECT(t_tuple(run, (Tuple){.kind = Tuple_Single, .as.Single = {8}}) == 8);
    EXPECT(t_tuple(run, (Tuple){.kind = Tuple_Double, .as.Double = {255, 9}}) == 9);
    EXPECT(t_tuple(run, (Tuple){.kind = Tuple_Double, .as.Double = {4, UINT64_MAX}}) == 4);
    EXPECT(t_tuple(run, (Tuple){.kind = Tuple_Double, .as.Double = {4, 4}}) == 0);
    EXPECT(t_tuple(run, (Tuple){.kind = Tuple_None}) == 0);
}

static void check_equality(Run *run)
{
    Outer x = t_make(run, Plain_One, 6);
    EXPECT(x.inner.flag && x.inner.wide.lo == 5 && x.plain == Plain_Two && x.handle.number == 6);
    EXPECT(x.tuple.kind == Tuple_Double && x.tuple.as.Double.f1 == 10);
    Outer y = x;
    y.handle.ignored = 99;
    EXPECT(t_same(run, x, y) == 1);
    y.tuple.as.Double.f1 = 11;
    EXPECT(t_same(run, x, y) == 2);
    y.tuple = (Tuple){.kind = Tuple_None};
    EXPECT(t_same(run, x, y) == 2);
    y.handle.number = 7;
    EXPECT(t_same(run, x, y) == 20);
    y.inner.wide.hi = 1;
    y.tuple.kind = Tuple_Single;
    EXPECT(t_same(run, x, y) == 21);
    y.tuple.kind = Tuple_Double;
    EXPECT(t_same(run, x, y) == 22);
    y.plain = Plain_Three;
    EXPECT(t_same(run, x, y) == 4);
    Outer made = t_make(run, Plain_Three, 3);
    EXPECT(!made.inner.flag && made.inner.wide.hi == 1 && made.inner.wide.lo == 0);
    EXPECT(made.plain == Plain_Three && made.tuple.as.Single.f0 == 3);
}

static void check_theirs(Run *run)
{
    Theirs left = {.kind = Theirs_Left, .as.Left = {-1}};
    EXPECT(t_theirs(run, left).kind == Theirs_Right);
    left.as.Left.x = 5;
    EXPECT(t_theirs(run, left).as.Left.x == 5);
    Theirs made = t_theirs(run, (Theirs){.kind = Theirs_Right});
    EXPECT(made.kind == Theirs_Left && made.as.Left.x == INT16_MIN);
    EXPECT(t_pair(run, (TheirPair){.first = UINT64_MAX, .second = 3}).second == 3);
    EXPECT(t_pair(run, (TheirPair){.first = 8, .second = INT64_MIN}).second == -1);
    EXPECT(t_pair(run, (TheirPair){.first = 8, .second = 8}).first == 0);
    EXPECT(t_colour(run, Colour_Blue, Colour_Blue) == Colour_Blue);
    EXPECT(t_colour(run, Colour_Red, Colour_Green) == Colour_Blue);
    EXPECT(t_colour(run, Colour_Green, Colour_Red) == Colour_Red);
}

static void check_others(Run *run)
{
    Box full = {.kind = Box_Full, .as.Full = {{3}}};
    EXPECT(t_open(run, full).kind == Box_Empty);
    full.as.Full.content.x = 4;
    EXPECT(t_open(run, full).as.Full.content.x == 3);
    EXPECT(t_open(run, (Box){.kind = Box_Empty}).as.Full.content.x == 4);
    EXPECT(t_alias(run, (Handle){3, 4}).number == 3);
    EXPECT(t_nothing(run, (Never)0) == 3);
    EXPECT(t_unit(run, (Unit){0}, Plain_One).has_no_field == 0);
    EXPECT(t_unit(run, (Unit){0}, Plain_Two).has_no_field == 0);
}

int main(void)
{
    static Run run;
    check_tuples(&run);
    check_equality(&run);
    check_theirs(&run);
    check_others(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
