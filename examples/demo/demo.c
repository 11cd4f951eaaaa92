/* demo.c - what an ordinary C program does, for `./dev demo` to run on Davit as WebAssembly: it reads and writes
 * files, allocates, recurses, computes with doubles and prints.
 *
 * usage: demo FOLDER. Reads FOLDER/text.txt, writes FOLDER/report.txt.
 *
 * It ranks the words of the text, sets queens on chess boards, draws Mandelbrot's set, and keeps a report of it all
 * that it reads back at the end. Everything is standard C: `cc demo.c -o demo -lm` makes the same program for
 * this machine, and both print the same. */
#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_WORD = 32,
    MAX_PATH = 512,
    RANKS = 8,
    BAR = 40,
    MAX_BOARD = 11,
    ROWS = 23,
    COLUMNS = 76,
    RAYS = 4
};

static FILE *report;

static void fail(const char *what, const char *path)
{
    printf("demo: %s %s\n", what, path);
    exit(1);
}

/* Prints to the screen and into the report. */
static void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    vfprintf(report, format, arguments);
    va_end(arguments);
}

/* ---- The words of a text: a binary search tree counts them, a sorted array ranks them ---- */

typedef struct Word {
    struct Word *before, *after;
    unsigned count;
    char letters[]; /* ends with a zero */
} Word;

typedef struct {
    Word *root, **ranking;
    unsigned words, different;
} Counter;

static void count_word(Counter *counter, const char *letters)
{
    Word **place = &counter->root;
    while (*place && strcmp(letters, (*place)->letters) != 0) {
        place = strcmp(letters, (*place)->letters) < 0 ? &(*place)->before : &(*place)->after;
    }
    if (!*place) {
        size_t bytes = strlen(letters) + 1;
        *place = calloc(1, sizeof(Word) + bytes);
        if (!*place) {
            fail("no memory for", letters);
        }
        memcpy((*place)->letters, letters, bytes);
        counter->different++;
    }
    (*place)->count++;
    counter->words++;
}

static void read_words(Counter *counter, FILE *text)
{
    char letters[MAX_WORD];
    size_t length = 0;
    for (int c = 0; c != EOF;) {
        c = getc(text);
        if (c != EOF && isalpha(c)) {
            if (length + 1 < MAX_WORD) {
                letters[length++] = (char)tolower(c);
            }
        } else if (length > 0) {
            letters[length] = 0;
            count_word(counter, letters);
            length = 0;
        }
    }
}

static void list_words(Counter *counter, Word *word)
{
    if (word) {
        list_words(counter, word->before);
        *counter->ranking++ = word;
        list_words(counter, word->after);
    }
}

static int by_count(const void *a, const void *b)
{
    const Word *x = *(Word *const *)a, *y = *(Word *const *)b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->letters, y->letters);
}

static void free_words(Word *word)
{
    if (word) {
        free_words(word->before);
        free_words(word->after);
        free(word);
    }
}

static void rank_words(const char *path)
{
    Counter counter = {NULL, NULL, 0, 0};
    Word **ranking;
    FILE *text = fopen(path, "r");
    if (!text) {
        fail("cannot read", path);
    }
    read_words(&counter, text);
    fclose(text);
    ranking = counter.ranking = malloc((counter.different + 1) * sizeof(Word *));
    if (!ranking) {
        fail("no memory for", "the ranking");
    }
    list_words(&counter, counter.root);
    qsort(ranking, counter.different, sizeof(Word *), by_count);
    tell("The text has %u words, %u different ones:\n", counter.words, counter.different);
    for (unsigned i = 0; i < RANKS && i < counter.different; i++) {
        unsigned count = ranking[i]->count;
        tell("  %-8s %5.2f%% ", ranking[i]->letters, 100.0 * count / counter.words);
        for (unsigned j = 0; j < count * BAR / ranking[0]->count; j++) {
            tell("#");
        }
        tell(" %u\n", count);
    }
    free(ranking);
    free_words(counter.root);
}

/* ---- Queens ---- */

typedef struct {
    int size, column[MAX_BOARD],
        first[MAX_BOARD]; /* of the queen in each row; of the first solution */
    long solutions;
} Board;

static int is_safe(const Board *board, int row, int column)
{
    for (int i = 0; i < row; i++) {
        int apart = board->column[i] - column;
        if (apart == 0 || apart == row - i || apart == i - row) {
            return 0;
        }
    }
    return 1;
}

static void place_queens(Board *board, int row)
{
    if (row == board->size) {
        if (board->solutions++ == 0) {
            memcpy(board->first, board->column, sizeof board->first);
        }
        return;
    }
    for (int column = 0; column < board->size; column++) {
        if (is_safe(board, row, column)) {
            board->column[row] = column;
            place_queens(board, row + 1);
        }
    }
}

static void set_queens(void)
{
    Board board = {0};
    tell("\nWays to set n queens on a board of n by n:");
    for (board.size = 4; board.size <= 11; board.size++) {
        board.solutions = 0;
        place_queens(&board, 0);
        tell("  %d: %ld", board.size, board.solutions);
    }
    board.size = 8;
    board.solutions = 0;
    place_queens(&board, 0);
    tell("\n");
    for (int row = 0; row < board.size; row++) {
        tell("  ");
        for (int column = 0; column < board.size; column++) {
            tell("%s", board.first[row] == column ? " Q" : " .");
        }
        tell("\n");
    }
}

/* ---- Mandelbrot's set: the darker the character, the longer its points stay; 36 points each ---- */

static int stay(double x, double y)
{
    double zx = 0, zy = 0;
    int count = 0;
    while (count < 255 && zx * zx + zy * zy <= 4) {
        double next = zx * zx - zy * zy + x;
        zy = 2 * zx * zy + y;
        zx = next;
        count++;
    }
    return count;
}

static void draw_set(void)
{
    static const char shades[] = " .:-=+*#%@";
    tell("\nMandelbrot's set:\n");
    for (int row = 0; row < ROWS; row++) {
        char line[COLUMNS + 1] = "";
        for (int column = 0; column < COLUMNS; column++) {
            int sum = 0;
            for (int ray = 0; ray < RAYS * RAYS; ray++) {
                double x = (column * RAYS + ray % RAYS) / (double)(COLUMNS * RAYS);
                double y = (row * RAYS + ray / RAYS) / (double)(ROWS * RAYS);
                int count = stay(x * 3.0 - 2.2, y * 2.4 - 1.2);
                sum += count < 36 ? count / 4 : 9;
            }
            line[column] = shades[sum / (RAYS * RAYS)];
        }
        tell("%s\n", line);
    }
}

/* ---- */

/* Adler's checksum of a file, and how long it is. */
static uint32_t check_file(const char *path, long *bytes)
{
    uint32_t a = 1, b = 0;
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail("cannot read back", path);
    }
    *bytes = 0;
    for (int c; (c = getc(file)) != EOF; ++*bytes) {
        a = (a + (uint32_t)c) % 65521;
        b = (b + a) % 65521;
    }
    fclose(file);
    return b << 16 | a;
}

int main(int argc, char **argv)
{
    char path[MAX_PATH];
    long bytes;
    uint32_t sum;
    if (argc != 2 || strlen(argv[1]) > MAX_PATH - 16) {
        puts("usage: demo FOLDER (of text.txt)");
        return 2;
    }
    snprintf(path, sizeof path, "%s/report.txt", argv[1]);
    report = fopen(path, "w");
    if (!report) {
        fail("cannot write", path);
    }
    snprintf(path, sizeof path, "%s/text.txt", argv[1]);
    rank_words(path);
    set_queens();
    draw_set();
    snprintf(path, sizeof path, "%s/report.txt", argv[1]);
    if (fclose(report) != 0) {
        fail("cannot write", path);
    }
    sum = check_file(path, &bytes);
    printf("\nAll this was written to report.txt and read back: %ld bytes, checksum %08x.\n", bytes,
           (unsigned)sum);
    return 0;
}
