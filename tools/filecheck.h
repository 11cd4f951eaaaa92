/* filecheck.h - does a text hold what the comments of a test say it should?
 *
 * Directives, one a comment (those that start with none of these words are ignored):
 *
 *     check: PATTERN      found after the previous match
 *     sameln: PATTERN     found after it on its line; without one, on the first line
 *     nextln: PATTERN     found on the line after it; without one, on the second line
 *     unordered: PATTERN  found after the previous match that was not unordered, and after the
 * matches that define the variables it uses; unordered matches may overlap not: PATTERN        not
 * found between the matches around it, unordered ones left out regex: NAME=REGEX   names a regular
 * expression
 *
 * A pattern is plain text, blanks around it dropped, with $$ (a dollar), $() (nothing; guards
 * blanks), $NAME and $(NAME) (the text or regular expression of this name), $(=REGEX),
 * $(NAME=REGEX) and $(NAME=$OTHER), which also give the text met to NAME for later patterns. If it
 * begins or ends with a letter or digit of plain text, it matches there at the edge of a word only;
 * a $() there lifts this.
 *
 * Source: the documentation of the filecheck crate.
 */
#ifndef DV_TOOLS_FILECHECK_H
#define DV_TOOLS_FILECHECK_H

#include "base/text.h"

/* ---- filecheck.c ---- */

/* True if all directives hold. Otherwise `explain` tells which one does not, and shows the place.
 */
bool dv_filecheck(Arena *arena, const Str *directives, u32 count, Str text, TextBuf *explain);
/* How many of the comments are directives. */
u32 dv_filecheck_count(const Str *directives, u32 count);

#endif
