/* calculator.c - a small language compiled to CLIF: expressions, variables, if, while.
 *
 *     program   := { statement }
 *     statement := NAME '=' expr ';' | 'return' expr ';'
 *                | 'while' expr block | 'if' expr block [ 'else' block ]
 *     block     := '{' { statement } '}'
 *     expr      := sum [ ('<' | '>' | '=' '=') sum ]
 *     sum       := product { ('+' | '-') product }
 *     product   := factor { ('*' | '/' | '%') factor }
 *     factor    := NUMBER | NAME | '(' expr ')' | '-' factor
 *
 * All values are i64. Names are the letters a to z; each is a variable of the builder, n is the
 * parameter, the others begin as 0. The compiler is one pass: it calls the builder as it reads,
 * and never looks at blocks or values again.
 */
#include <ctype.h>
#include <davit/codegen.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

typedef struct Compiler {
    davit_builder_t *b;
    davit_var_t vars[26];
    const char *at;    /* the rest of the program */
    const char *error; /* the first one; NULL */
    int depth;
} Compiler;

static davit_value_t expression(Compiler *c);
static void statement(Compiler *c);

static void skip_blanks(Compiler *c)
{
    while (isspace((unsigned char)*c->at)) {
        c->at++;
    }
}

/* Reads this word or sign if it comes next. */
static bool accept(Compiler *c, const char *text)
{
    size_t length = strlen(text);
    skip_blanks(c);
    bool is_word = isalpha((unsigned char)text[0]) != 0;
    if (strncmp(c->at, text, length) != 0 || (is_word && isalnum((unsigned char)c->at[length]))) {
        return false;
    }
    c->at += length;
    return true;
}

static void expect(Compiler *c, const char *text, const char *error)
{
    if (!accept(c, text) && c->error == NULL) {
        c->error = error;
    }
}

static davit_value_t factor(Compiler *c)
{
    skip_blanks(c);
    if (++c->depth > MAX_DEPTH) {
        c->error = "nested too deeply";
    }
    davit_value_t v;
    if (c->error != NULL) {
        v = davit_ins_iconst(c->b, DAVIT_I64, 0);
    } else if (accept(c, "(")) {
        v = expression(c);
        expect(c, ")", "expected )");
    } else if (accept(c, "-")) {
        v = davit_ins_ineg(c->b, factor(c));
    } else if (isdigit((unsigned char)*c->at)) {
        char *end;
        v = davit_ins_iconst(c->b, DAVIT_I64, strtoll(c->at, &end, 10));
        c->at = end;
    } else if (*c->at >= 'a' && *c->at <= 'z') {
        v = davit_use_var(c->b, c->vars[*c->at++ - 'a']);
    } else {
        c->error = "expected a number, a name or (";
        v = davit_ins_iconst(c->b, DAVIT_I64, 0);
    }
    c->depth--;
    return v;
}

static davit_value_t product(Compiler *c)
{
    davit_value_t v = factor(c);
    for (;;) {
        if (accept(c, "*")) {
            v = davit_ins_imul(c->b, v, factor(c));
        } else if (accept(c, "/")) {
            v = davit_ins_sdiv(c->b, v, factor(c)); /* traps on zero */
        } else if (accept(c, "%")) {
            v = davit_ins_srem(c->b, v, factor(c));
        } else {
            return v;
        }
    }
}

static davit_value_t sum(Compiler *c)
{
    davit_value_t v = product(c);
    for (;;) {
        if (accept(c, "+")) {
            v = davit_ins_iadd(c->b, v, product(c));
        } else if (accept(c, "-")) {
            v = davit_ins_isub(c->b, v, product(c));
        } else {
            return v;
        }
    }
}

static davit_value_t expression(Compiler *c)
{
    davit_value_t v = sum(c);
    davit_intcc_t cc;
    if (accept(c, "==")) {
        cc = DAVIT_INT_EQ;
    } else if (accept(c, "<")) {
        cc = DAVIT_INT_SLT;
    } else if (accept(c, ">")) {
        cc = DAVIT_INT_SGT;
    } else {
        return v;
    }
    return davit_ins_uextend(c->b, DAVIT_I64, davit_ins_icmp(c->b, cc, v, sum(c)));
}

static void block(Compiler *c)
{
    expect(c, "{", "expected {");
    if (++c->depth > MAX_DEPTH) {
        c->error = "nested too deeply";
    }
    while (c->error == NULL && !accept(c, "}")) {
        statement(c);
    }
    c->depth--;
}

/* Code after a return: a new block, which nothing leads to. */
static void continue_after_return(Compiler *c)
{
    davit_block_t next = davit_block_create(c->b);
    davit_block_seal(c->b, next);
    davit_block_switch(c->b, next);
}

static void statement(Compiler *c)
{
    davit_builder_t *b = c->b;
    if (accept(c, "while")) {
        davit_loop_t loop = davit_loop_begin(b);
        davit_loop_while(b, &loop, expression(c));
        block(c);
        davit_loop_end(b, &loop);
    } else if (accept(c, "if")) {
        davit_if_t i = davit_if_begin(b, expression(c));
        block(c);
        if (accept(c, "else")) {
            davit_if_else(b, &i);
            block(c);
        }
        davit_if_end(b, &i);
    } else if (accept(c, "return")) {
        davit_value_t v = expression(c);
        expect(c, ";", "expected ;");
        davit_ins_return(b, &v, 1);
        continue_after_return(c);
    } else if (*c->at >= 'a' && *c->at <= 'z') {
        davit_var_t var = c->vars[*c->at++ - 'a'];
        expect(c, "=", "expected =");
        davit_def_var(b, var, expression(c));
        expect(c, ";", "expected ;");
    } else {
        c->error = "expected a statement";
    }
}

/* Compiles the program as function %main of n. */
static davit_func_t *compile(davit_context_t *context, davit_module_t *module, const char *program)
{
    davit_param_t i64[1] = {{DAVIT_I64, DAVIT_EXT_NONE, DAVIT_PURPOSE_NORMAL, 0}};
    davit_signature_t signature = {DAVIT_CC_FAST, i64, 1, i64, 1};
    davit_builder_t *b;
    davit_func_t *func = NULL;
    if (davit_builder_new(module, "%main", &signature, &b) != DAVIT_OK) {
        return NULL;
    }
    Compiler c = {.b = b, .at = program};
    davit_value_t n = davit_block_param(b, davit_entry_block(b), 0);
    davit_value_t zero = davit_ins_iconst(b, DAVIT_I64, 0);
    for (int i = 0; i < 26; i++) {
        c.vars[i] = davit_declare_var(b, DAVIT_I64);
        davit_def_var(b, c.vars[i], i == 'n' - 'a' ? n : zero);
    }
    skip_blanks(&c);
    while (c.error == NULL && *c.at != '\0') {
        statement(&c);
        skip_blanks(&c);
    }
    davit_ins_return(b, &zero, 1);
    if (c.error != NULL) {
        fprintf(stderr, "%s before \"%.20s\"\n", c.error, c.at);
        davit_builder_cancel(b);
    } else if (davit_builder_finish(b, &func) != DAVIT_OK) {
        const davit_error_t *e = davit_error_get(context, 0);
        fprintf(stderr, "%s: %s\n", e == NULL ? "" : e->place,
                e == NULL ? "out of memory" : e->message);
    }
    return func;
}

/* Compiles and runs a program on n; false if that fails. */
static bool run(davit_context_t *context, const char *program, int64_t n, int64_t *out)
{
    davit_module_t *module;
    davit_eval_t *eval = NULL;
    davit_result_t result = {.outcome = DAVIT_TRAPPED};
    davit_const_t arg = davit_const_int(DAVIT_I64, n);
    if (davit_module_new(context, &module) != DAVIT_OK) {
        return false;
    }
    davit_func_t *func = compile(context, module, program);
    bool ok = func != NULL && davit_eval_new(module, NULL, &eval) == DAVIT_OK &&
              davit_eval_call(eval, func, &arg, 1, &result) == DAVIT_OK;
    if (ok && result.outcome == DAVIT_TRAPPED) {
        fprintf(stderr, "trap: %s\n", davit_trap_message(result.trap));
    }
    ok = ok && result.outcome == DAVIT_RETURNED;
    *out = ok ? davit_const_to_int(&result.values[0]) : 0;
    davit_eval_free(eval);
    davit_module_free(module);
    return ok;
}

static const struct {
    const char *program;
    int64_t n, result;
} examples[] = {
    {"return (n + 2) * 3 - n % 4;", 7, 24},
    {"a = 1; while n > 1 { a = a * n; n = n - 1; } return a;", 20, 2432902008176640000},
    {"while n > 1 { c = c + 1; if n % 2 == 0 { n = n / 2; } else { n = 3 * n + 1; } } return c;",
     27, 111},
    {"i = 2; while i < n + 1 { p = 1; d = 2; while d * d < i + 1 "
     "{ if i % d == 0 { p = 0; } d = d + 1; }\n"
     "if p { s = s + i; } i = i + 1; } return s;",
     100, 1060},
    {"if n < 0 { return -n; } return n; return 1 / 0;", -5, 5},
};

int main(int argc, char **argv)
{
    davit_context_t *context;
    int64_t result;
    int failed = 0;
    if (davit_context_new(NULL, &context) != DAVIT_OK) {
        return 1;
    }
    if (argc == 3) {
        failed = !run(context, argv[1], strtoll(argv[2], NULL, 10), &result);
        if (!failed) {
            printf("%" PRId64 "\n", result);
        }
    }
    for (size_t i = 0; argc != 3 && i < sizeof examples / sizeof *examples; i++) {
        bool ok = run(context, examples[i].program, examples[i].n, &result);
        printf("%s\n    n = %" PRId64 ": %" PRId64 "\n", examples[i].program, examples[i].n,
               result);
        failed |= !ok || result != examples[i].result;
    }
    davit_context_free(context);
    return failed;
}
