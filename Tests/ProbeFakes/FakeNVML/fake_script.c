#include "fake_script.h"

#include <ctype.h>
#include <string.h>

/// Longest sleep of a step: a day, in milliseconds. Beyond that, say `hang`.
#define LONGEST_SLEEP_MS 86400000u

static size_t word_length(const char *text) {
  size_t length = 0;
  while (text[length] != '\0' && text[length] != ',' && !isspace((unsigned char)text[length]))
    length++;
  return length;
}

static int is(const char *word, size_t length, const char *name) {
  return strlen(name) == length && strncmp(word, name, length) == 0;
}

/// Takes one word off `text`, which stands before a comma or the end when there is none.
static const char *take(const char **text, size_t *length) {
  while (**text != '\0' && **text != ',' && isspace((unsigned char)**text)) ++*text;
  const char *word = *text;
  *length = word_length(word);
  *text += *length;
  return word;
}

/// Decimal digits alone, bounded.
static int digits(const char *word, size_t length, unsigned int *number) {
  if (length == 0 || length > 9) return 0;
  *number = 0;
  for (size_t index = 0; index < length; index++) {
    if (!isdigit((unsigned char)word[index])) return 0;
    *number = *number * 10 + (unsigned int)(word[index] - '0');
  }
  return 1;
}

/// One step as it is written, and how many calls it serves; 0 stands for all that follow.
typedef struct {
  fake_step step;
  unsigned int calls;
  /// Calls that are answered before it.
  unsigned int after;
} fake_clause;

static fake_clause read_clause(const char **text) {
  fake_clause clause = {{FAKE_SUCCESS, 0, 0}, 0, 0};
  unsigned int number = 0;
  size_t length = 0;
  for (const char *word = take(text, &length); length > 0; word = take(text, &length)) {
    if (is(word, length, "hang")) {
      clause.step.hangs = 1;
    } else if (is(word, length, "sleep") || is(word, length, "after")) {
      int sleeps = word[0] == 's';
      word = take(text, &length);
      if (!digits(word, length, &number)) clause.step.code = FAKE_UNKNOWN;
      else if (!sleeps) clause.after = number;
      else clause.step.sleep_ms = number > LONGEST_SLEEP_MS ? LONGEST_SLEEP_MS : number;
    } else if (is(word, length, "calls:") || is(word, length, "then")) {
      continue;
    } else if (word[0] == 'x' && digits(word + 1, length - 1, &number)) {
      clause.calls = number;
    } else if (!fake_code_parse(word, length, &clause.step.code)) {
      clause.step.code = FAKE_UNKNOWN;
    }
  }
  return clause;
}

fake_step fake_script_step(const char *script, unsigned int calls) {
  const fake_step answer = {FAKE_SUCCESS, 0, 0};
  while (*script != '\0') {
    fake_clause clause = read_clause(&script);
    if (calls < clause.after) return answer;
    calls -= clause.after;
    if (clause.calls == 0 || calls < clause.calls) return clause.step;
    calls -= clause.calls;
    if (*script == ',') script++;
  }
  return answer;
}
