/* Reads a plugin's options in C: registry_settings_v1.options, a JSON object that the host has checked by the
 * descriptor's schema, with the schema's defaults filled in.
 *
 *     char path[4096];
 *     int64_t interval; // milliseconds
 *     registry_code code = registry_option_path(settings, "path", path, sizeof path, message);
 *     if (code == REGISTRY_OK)
 *       code = registry_option_duration(settings->options, "interval", &interval, message);
 *     if (code != REGISTRY_OK) return code; // in `create`: the person reads the message
 *
 * An option is named by its path: "interval", "tls.caFile", "paths[2]", "peers[0].name". Items of a list are
 * counted from 0. A name with a dot or a bracket in it can't be reached.
 *
 * Each function returns REGISTRY_OK, or REGISTRY_INVALID_ARGUMENT (REGISTRY_LIMIT_EXCEEDED: text that doesn't
 * fit) with a message that names the option, and never what it says; what was to be stored is then as it was.
 * An option that isn't there, or is null, is such an error: where it may be missing and has no default, ask
 * registry_option_exists first. `message` may be NULL.
 *
 * Nothing is allocated, nothing recurses, and lists and objects may be nested 64 deep. Text is checked to be
 * JSON and UTF-8 each time, so options of any origin may be read. Any thread may call these functions. */
#ifndef REGISTRY_OPTIONS_H
#define REGISTRY_OPTIONS_H

#include "registry_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Not for use outside this file ---- */

/* What is left to read. */
typedef struct registry_options_cursor {
  const char *at;
  const char *end;
} registry_options_cursor;

/* Appends `text` to the message, as far as it fits. */
static inline void registry_options_add(registry_message_v1 *message, const char *text, size_t length) {
  size_t room;
  if (!message || message->length > message->capacity) return;
  room = message->capacity - message->length;
  if (length > room) length = room;
  memcpy(message->data + message->length, text, length);
  message->length += length;
}

/* Fails with "option 'PATH' REST". */
static inline registry_code registry_options_fail(registry_message_v1 *message, registry_code code,
                                                  const char *path, const char *rest) {
  if (message) message->length = 0;
  registry_options_add(message, "option '", 8);
  registry_options_add(message, path, strlen(path));
  registry_options_add(message, "' ", 2);
  registry_options_add(message, rest, strlen(rest));
  return code;
}

static inline void registry_options_space(registry_options_cursor *cursor) {
  while (cursor->at < cursor->end &&
         (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t'))
    cursor->at++;
}

/* Takes `character`, if it is what comes next after spaces. */
static inline int registry_options_take(registry_options_cursor *cursor, char character) {
  registry_options_space(cursor);
  if (cursor->at == cursor->end || *cursor->at != character) return 0;
  cursor->at++;
  return 1;
}

/* What kind of value comes next: one of { [ " 0 t n, or 0 for none. */
static inline char registry_options_kind(registry_options_cursor cursor) {
  registry_options_space(&cursor);
  if (cursor.at == cursor.end) return 0;
  switch (*cursor.at) {
  case '{':
  case '[':
  case '"':
  case 't':
  case 'n':
    return *cursor.at;
  case 'f':
    return 't';
  default:
    return *cursor.at == '-' || (*cursor.at >= '0' && *cursor.at <= '9') ? '0' : 0;
  }
}

static inline const char *registry_options_kind_name(char kind) {
  switch (kind) {
  case '{':
    return "an object";
  case '[':
    return "a list";
  case '"':
    return "text";
  case '0':
    return "a number";
  case 't':
    return "true or false";
  default:
    return "null";
  }
}

/* The number of four hexadecimal digits, or -1. */
static inline int32_t registry_options_hex(registry_options_cursor *cursor) {
  int32_t value = 0;
  int digit;
  if (cursor->end - cursor->at < 4) return -1;
  for (digit = 0; digit < 4; digit++) {
    char c = *cursor->at++;
    int32_t number = c >= '0' && c <= '9'   ? c - '0'
                     : c >= 'a' && c <= 'f' ? c - 'a' + 10
                     : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                            : -1;
    if (number < 0) return -1;
    value = value * 16 + number;
  }
  return value;
}

/* Reads one character within a string, escaped or not, and writes its UTF-8. Returns how many bytes that are;
 * 0 where it is none. */
static inline size_t registry_options_character(registry_options_cursor *cursor, char bytes[4]) {
  unsigned char first;
  uint32_t scalar;
  if (cursor->at == cursor->end) return 0;
  first = (unsigned char)*cursor->at;
  if (first < 0x20) return 0;
  if (first == '\\') {
    int32_t unit;
    if (cursor->end - cursor->at < 2) return 0;
    cursor->at += 2;
    switch (cursor->at[-1]) {
    case '"':
    case '\\':
    case '/':
      bytes[0] = cursor->at[-1];
      return 1;
    case 'b':
      bytes[0] = '\b';
      return 1;
    case 'f':
      bytes[0] = '\f';
      return 1;
    case 'n':
      bytes[0] = '\n';
      return 1;
    case 'r':
      bytes[0] = '\r';
      return 1;
    case 't':
      bytes[0] = '\t';
      return 1;
    case 'u':
      break;
    default:
      return 0;
    }
    unit = registry_options_hex(cursor);
    if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return 0;
    scalar = (uint32_t)unit;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      int32_t low;
      if (cursor->end - cursor->at < 6 || cursor->at[0] != '\\' || cursor->at[1] != 'u') return 0;
      cursor->at += 2;
      low = registry_options_hex(cursor);
      if (low < 0xDC00 || low > 0xDFFF) return 0;
      scalar = 0x10000u + (((uint32_t)unit - 0xD800u) << 10) + ((uint32_t)low - 0xDC00u);
    }
  } else {
    size_t index, count = 0;
    if (first < 0x80)
      count = 1;
    else if (first >= 0xC2 && first < 0xF5)
      count = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (count == 0 || (size_t)(cursor->end - cursor->at) < count) return 0;
    scalar = count == 1 ? first : first & (0xFFu >> (count + 1));
    for (index = 1; index < count; index++) {
      unsigned char next = (unsigned char)cursor->at[index];
      if ((next & 0xC0) != 0x80) return 0;
      scalar = scalar << 6 | (next & 0x3Fu);
    }
    if ((count == 3 && scalar < 0x800) || (count == 4 && scalar < 0x10000) || scalar > 0x10FFFF ||
        (scalar >= 0xD800 && scalar <= 0xDFFF))
      return 0;
    cursor->at += count;
  }
  if (scalar < 0x80) {
    bytes[0] = (char)scalar;
    return 1;
  }
  if (scalar < 0x800) {
    bytes[0] = (char)(0xC0 | scalar >> 6);
    bytes[1] = (char)(0x80 | (scalar & 0x3F));
    return 2;
  }
  if (scalar < 0x10000) {
    bytes[0] = (char)(0xE0 | scalar >> 12);
    bytes[1] = (char)(0x80 | (scalar >> 6 & 0x3F));
    bytes[2] = (char)(0x80 | (scalar & 0x3F));
    return 3;
  }
  bytes[0] = (char)(0xF0 | scalar >> 18);
  bytes[1] = (char)(0x80 | (scalar >> 12 & 0x3F));
  bytes[2] = (char)(0x80 | (scalar >> 6 & 0x3F));
  bytes[3] = (char)(0x80 | (scalar & 0x3F));
  return 4;
}

/* Reads a string. Its text is written into `buffer`, where there is one, which it fits into. The result is 2
 * where the text is `name`, of `length` bytes, 1 for another, and 0 for no string. */
static inline int registry_options_string(registry_options_cursor *cursor, char *buffer, const char *name,
                                          size_t length) {
  size_t count = 0, index;
  int same = name != NULL;
  if (!registry_options_take(cursor, '"')) return 0;
  while (cursor->at == cursor->end || *cursor->at != '"') {
    char bytes[4];
    size_t size = registry_options_character(cursor, bytes);
    if (size == 0) return 0;
    for (index = 0; index < size; index++, count++) {
      if (buffer) buffer[count] = bytes[index];
      same = same && count < length && name[count] == bytes[index];
    }
  }
  cursor->at++;
  return same && count == length ? 2 : 1;
}

/* How many bytes the text of the string has that comes next; (size_t)-1 where one of them is zero. */
static inline size_t registry_options_length(registry_options_cursor cursor) {
  size_t count = 0;
  registry_options_take(&cursor, '"');
  while (cursor.at < cursor.end && *cursor.at != '"') {
    char bytes[4];
    size_t size = registry_options_character(&cursor, bytes);
    if (size == 0 || bytes[0] == 0) return (size_t)-1;
    count += size;
  }
  return count;
}

static inline int registry_options_digits(registry_options_cursor *cursor) {
  const char *start = cursor->at;
  while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') cursor->at++;
  return cursor->at > start;
}

/* Reads a number. */
static inline int registry_options_number(registry_options_cursor *cursor) {
  registry_options_space(cursor);
  if (cursor->at < cursor->end && *cursor->at == '-') cursor->at++;
  if (cursor->at < cursor->end && *cursor->at == '0')
    cursor->at++;
  else if (!registry_options_digits(cursor))
    return 0;
  if (cursor->at < cursor->end && *cursor->at == '.') {
    cursor->at++;
    if (!registry_options_digits(cursor)) return 0;
  }
  if (cursor->at < cursor->end && (*cursor->at == 'e' || *cursor->at == 'E')) {
    cursor->at++;
    if (cursor->at < cursor->end && (*cursor->at == '+' || *cursor->at == '-')) cursor->at++;
    if (!registry_options_digits(cursor)) return 0;
  }
  return 1;
}

static inline int registry_options_literal(registry_options_cursor *cursor, const char *literal) {
  size_t length = strlen(literal);
  registry_options_space(cursor);
  if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, literal, length) != 0) return 0;
  cursor->at += length;
  return 1;
}

/* Reads a value that isn't an object or a list. */
static inline int registry_options_scalar(registry_options_cursor *cursor) {
  switch (registry_options_kind(*cursor)) {
  case '"':
    return registry_options_string(cursor, NULL, NULL, 0);
  case '0':
    return registry_options_number(cursor);
  case 't':
    return registry_options_literal(cursor, "true") || registry_options_literal(cursor, "false");
  case 'n':
    return registry_options_literal(cursor, "null");
  default:
    return 0;
  }
}

/* Reads a key and its colon. */
static inline int registry_options_key(registry_options_cursor *cursor) {
  return registry_options_string(cursor, NULL, NULL, 0) && registry_options_take(cursor, ':');
}

/* Reads any value, whatever is in it. */
static inline int registry_options_skip(registry_options_cursor *cursor) {
  uint64_t objects = 0; /* a bit for each open list (0) and object (1), the innermost last */
  unsigned depth = 0;
  for (;;) {
    char kind = registry_options_kind(*cursor);
    int is_open = 0;
    if (kind == '{' || kind == '[') {
      if (depth == 64) return 0;
      registry_options_take(cursor, kind);
      objects = objects << 1 | (kind == '{');
      depth++;
      is_open = 1;
    } else if (!registry_options_scalar(cursor)) {
      return 0;
    }
    /* Close what ends here, then go on to the next value. */
    for (;;) {
      int is_object = (int)(objects & 1);
      if (depth == 0) return 1;
      if (registry_options_take(cursor, is_object ? '}' : ']')) {
        objects >>= 1;
        depth--;
        is_open = 0;
        continue;
      }
      if (!is_open && !registry_options_take(cursor, ',')) return 0;
      if (is_object && !registry_options_key(cursor)) return 0;
      break;
    }
  }
}

/* Steps from an object to the value of its member `name`. 1: found; 0: isn't there; -1: is there twice. */
static inline int registry_options_member(registry_options_cursor *cursor, const char *name, size_t length) {
  registry_options_cursor found = *cursor;
  int count = 0;
  if (!registry_options_take(cursor, '{') || registry_options_take(cursor, '}')) return 0;
  do {
    int key = registry_options_string(cursor, NULL, name, length);
    if (!key || !registry_options_take(cursor, ':')) return 0;
    if (key == 2) {
      if (count++) return -1;
      found = *cursor;
    }
    if (!registry_options_skip(cursor)) return 0;
  } while (registry_options_take(cursor, ','));
  *cursor = found;
  return count;
}

/* Steps from a list to its item `index`: 1 or 0. */
static inline int registry_options_item(registry_options_cursor *cursor, size_t index) {
  if (!registry_options_take(cursor, '[') || registry_options_kind(*cursor) == 0) return 0;
  while (index--)
    if (!registry_options_skip(cursor) || !registry_options_take(cursor, ',')) return 0;
  return 1;
}

/* The number in brackets at `*path`, which is moved behind them; (size_t)-1 where there is none. */
static inline size_t registry_options_index(const char **path) {
  size_t index = 0;
  const char *at = *path + 1;
  if (*at < '0' || *at > '9') return (size_t)-1;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (index > 100000000) return (size_t)-1;
    index = index * 10 + (size_t)(*at - '0');
  }
  if (*at != ']') return (size_t)-1;
  *path = at + 1;
  return index;
}

/* Finds the value at `path`. With `is_optional` one that isn't there is found as nothing: an empty cursor. */
static inline registry_code registry_options_find(registry_string_v1 options, const char *path,
                                                  int is_optional, registry_options_cursor *cursor,
                                                  registry_message_v1 *message) {
  const char *rest = path;
  cursor->at = options.data ? options.data : "";
  cursor->end = cursor->at + (options.data ? options.length : 0);
  {
    registry_options_cursor whole = *cursor;
    int is_whole = registry_options_kind(whole) == '{' && registry_options_skip(&whole);
    registry_options_space(&whole);
    if (!is_whole || whole.at != whole.end)
      return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path,
                                   "can't be read: the options aren't one JSON object");
  }
  for (;;) {
    int found;
    if (*rest == '[') {
      size_t index = registry_options_index(&rest);
      if (index == (size_t)-1 || (*rest && *rest != '.' && *rest != '[')) break;
      if (registry_options_kind(*cursor) != '[' && registry_options_kind(*cursor) != 'n')
        return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path,
                                     "isn't there: what it is in is no list");
      found = registry_options_item(cursor, index);
    } else {
      size_t length = strcspn(rest, ".[");
      if (length == 0) break;
      if (registry_options_kind(*cursor) != '{' && registry_options_kind(*cursor) != 'n')
        return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path,
                                     "isn't there: what it is in is no object");
      found = registry_options_member(cursor, rest, length);
      rest += length;
    }
    if (found < 0) return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, "is there twice");
    if (!found || (!*rest && registry_options_kind(*cursor) == 'n')) {
      cursor->at = cursor->end;
      if (is_optional) return REGISTRY_OK;
      return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, "is missing");
    }
    if (!*rest) return REGISTRY_OK;
    if (*rest == '.') {
      rest++;
      if (*rest == '[') break;
    }
  }
  return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path,
                               "can't be read: that is no path such as a.b or a[0]");
}

/* Finds the value at `path`, which must be of `kind`; `should` says what it should be. */
static inline registry_code registry_options_value(registry_string_v1 options, const char *path, char kind,
                                                   const char *should, registry_options_cursor *cursor,
                                                   registry_message_v1 *message) {
  registry_code code = registry_options_find(options, path, 0, cursor, message);
  char actual;
  if (code != REGISTRY_OK) return code;
  actual = registry_options_kind(*cursor);
  if (actual == kind) return REGISTRY_OK;
  registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, "should be ");
  registry_options_add(message, should, strlen(should));
  registry_options_add(message, ", not ", 6);
  should = registry_options_kind_name(actual);
  registry_options_add(message, should, strlen(should));
  return REGISTRY_INVALID_ARGUMENT;
}

/* ---- Reading options ---- */

/* Whether the option is there and isn't null. */
static inline int registry_option_exists(registry_string_v1 options, const char *path) {
  registry_options_cursor cursor;
  return registry_options_find(options, path, 1, &cursor, NULL) == REGISTRY_OK && cursor.at != cursor.end;
}

/* Writes the option's text and a terminating zero into `buffer`, which has `capacity` bytes. Text with a zero
 * inside is refused. */
static inline registry_code registry_option_text(registry_string_v1 options, const char *path, char *buffer,
                                                 size_t capacity, registry_message_v1 *message) {
  registry_options_cursor cursor;
  size_t length;
  registry_code code = registry_options_value(options, path, '"', "text", &cursor, message);
  if (code != REGISTRY_OK) return code;
  length = registry_options_length(cursor);
  if (length == (size_t)-1)
    return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, "has a zero byte within");
  if (length >= capacity)
    return registry_options_fail(message, REGISTRY_LIMIT_EXCEEDED, path, "is longer than what is taken");
  registry_options_string(&cursor, buffer, NULL, 0);
  buffer[length] = 0;
  return REGISTRY_OK;
}

/* As registry_option_text, for the path of a file: a relative one is put behind the base_directory. */
static inline registry_code registry_option_path(const registry_settings_v1 *settings, const char *path,
                                                 char *buffer, size_t capacity,
                                                 registry_message_v1 *message) {
  size_t base = settings->base_directory.length;
  registry_options_cursor cursor;
  char first[4];
  registry_code code = registry_options_value(settings->options, path, '"', "text", &cursor, message);
  if (code != REGISTRY_OK) return code;
  if (registry_options_length(cursor) == 0)
    return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, "is empty, and should be a path");
  registry_options_take(&cursor, '"');
  /* The first character as it is meant: a slash may be written as \/ too. */
  if (registry_options_character(&cursor, first) == 1 && first[0] == '/') base = 0;
  if (base == 0) return registry_option_text(settings->options, path, buffer, capacity, message);
  if (base + 1 >= capacity)
    return registry_options_fail(message, REGISTRY_LIMIT_EXCEEDED, path, "is longer than what is taken");
  code = registry_option_text(settings->options, path, buffer + base + 1, capacity - base - 1, message);
  if (code != REGISTRY_OK) return code;
  memcpy(buffer, settings->base_directory.data, base);
  buffer[base] = '/';
  return REGISTRY_OK;
}

/* Stores 1 for true and 0 for false. */
static inline registry_code registry_option_bool(registry_string_v1 options, const char *path, int *value,
                                                 registry_message_v1 *message) {
  registry_options_cursor cursor;
  registry_code code = registry_options_value(options, path, 't', "true or false", &cursor, message);
  if (code == REGISTRY_OK) *value = registry_options_literal(&cursor, "true");
  return code;
}

/* Stores a whole number: one with a fraction or an exponent, or beyond 64 bits, is refused. */
static inline registry_code registry_option_integer(registry_string_v1 options, const char *path,
                                                    int64_t *value, registry_message_v1 *message) {
  static const char whole[] = "should be a whole number of at most 64 bits";
  registry_options_cursor cursor;
  uint64_t number = 0, limit = INT64_MAX;
  int is_negative = 0;
  registry_code code = registry_options_value(options, path, '0', "a whole number", &cursor, message);
  if (code != REGISTRY_OK) return code;
  registry_options_space(&cursor);
  if (*cursor.at == '-') {
    is_negative = 1;
    limit++;
    cursor.at++;
  }
  for (; cursor.at < cursor.end && *cursor.at >= '0' && *cursor.at <= '9'; cursor.at++) {
    uint64_t digit = (uint64_t)(*cursor.at - '0');
    if (number > (limit - digit) / 10)
      return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, whole);
    number = number * 10 + digit;
  }
  if (cursor.at < cursor.end && (*cursor.at == '.' || *cursor.at == 'e' || *cursor.at == 'E'))
    return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, whole);
  *value = !is_negative ? (int64_t)number : number ? -(int64_t)(number - 1) - 1 : 0;
  return REGISTRY_OK;
}

/* Stores a number. Of more than 19 digits the others don't count, and the last bit or two may be off. */
static inline registry_code registry_option_number(registry_string_v1 options, const char *path,
                                                   double *value, registry_message_v1 *message) {
  registry_options_cursor cursor;
  uint64_t digits = 0;
  int64_t exponent = 0, written = 0;
  int is_negative, is_fraction = 0;
  double result, power = 10;
  registry_code code = registry_options_value(options, path, '0', "a number", &cursor, message);
  if (code != REGISTRY_OK) return code;
  is_negative = registry_options_take(&cursor, '-');
  for (; cursor.at < cursor.end; cursor.at++) {
    if (*cursor.at == '.') {
      is_fraction = 1;
    } else if (*cursor.at >= '0' && *cursor.at <= '9') {
      if (digits < 1000000000000000000u) {
        digits = digits * 10 + (uint64_t)(*cursor.at - '0');
        exponent -= is_fraction;
      } else {
        exponent += !is_fraction;
      }
    } else {
      break;
    }
  }
  if (cursor.at < cursor.end && (*cursor.at == 'e' || *cursor.at == 'E')) {
    int is_small;
    cursor.at++;
    is_small = cursor.at < cursor.end && *cursor.at == '-';
    if (cursor.at < cursor.end && (*cursor.at == '+' || *cursor.at == '-')) cursor.at++;
    for (; cursor.at < cursor.end && *cursor.at >= '0' && *cursor.at <= '9'; cursor.at++)
      if (written < 100000000) written = written * 10 + (*cursor.at - '0');
    exponent += is_small ? -written : written;
  }
  result = (double)digits;
  is_fraction = exponent < 0;
  if (is_fraction) exponent = -exponent;
  if (digits == 0) exponent = 0;
  /* Beyond that everything is 0 or infinite. */
  if (exponent > 100000) exponent = 100000;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result = is_fraction ? result / power : result * power;
    if (exponent > 1) power *= power;
  }
  /* Infinite, or no number, as the power itself may have become infinite. */
  if (!(result <= 1.7976931348623157e308))
    return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path, "is out of range");
  *value = is_negative ? -result : result;
  return REGISTRY_OK;
}

/* Reads text such as 1h30m at `at` as nanoseconds; -1 where it isn't one. */
static inline int64_t registry_options_nanoseconds(const char *at) {
  static const struct {
    const char *name;
    int64_t nanoseconds;
  } units[] = {{"d", 86400000000000}, {"h", 3600000000000}, {"m", 60000000000}, {"s", 1000000000},
               {"ms", 1000000},       {"us", 1000},         {"\302\265s", 1000}, {"ns", 1}};
  const int64_t most = 36500 * 86400000000000; /* some 100 years */
  int64_t total = 0, smallest = INT64_MAX;
  if (at[0] == '0' && !at[1]) return 0;
  do {
    int64_t whole = 0, fraction = 0, scale = 1, unit = 0;
    size_t length, index;
    if (*at < '0' || *at > '9') return -1;
    for (; *at >= '0' && *at <= '9'; at++) {
      if (whole > most / 10) return -1;
      whole = whole * 10 + (*at - '0');
    }
    if (*at == '.') {
      for (at++; *at >= '0' && *at <= '9'; at++) {
        if (scale == 1000000000) return -1;
        scale *= 10;
        fraction = fraction * 10 + (*at - '0');
      }
      if (scale == 1) return -1;
    }
    length = strcspn(at, "0123456789.");
    for (index = 0; index < sizeof units / sizeof *units; index++)
      if (strlen(units[index].name) == length && memcmp(units[index].name, at, length) == 0)
        unit = units[index].nanoseconds;
    if (unit == 0 || unit >= smallest || whole > most / unit) return -1;
    smallest = unit;
    at += length;
    /* Split, so that nothing overflows: days have 14 digits and fractions 9. */
    total += whole * unit + unit / scale * fraction + unit % scale * fraction / scale;
    if (total > most) return -1;
  } while (*at);
  return total;
}

/* Stores a duration in milliseconds: text such as 30s, 1h30m, 1.5s, 250ms, 1d, or 0. The units are d, h, m,
 * s, ms, us and ns, larger ones first; a number without one is refused. A part of a millisecond counts as a
 * whole one. */
static inline registry_code registry_option_duration(registry_string_v1 options, const char *path,
                                                     int64_t *milliseconds, registry_message_v1 *message) {
  char text[64];
  int64_t nanoseconds;
  registry_options_cursor cursor;
  registry_code code = registry_options_value(options, path, '"', "a duration with its unit, such as \"30s\"",
                                              &cursor, message);
  if (code != REGISTRY_OK) return code;
  nanoseconds = registry_option_text(options, path, text, sizeof text, NULL) == REGISTRY_OK
                    ? registry_options_nanoseconds(text)
                    : -1;
  if (nanoseconds < 0)
    return registry_options_fail(message, REGISTRY_INVALID_ARGUMENT, path,
                                 "should be a duration with its unit, such as 30s, 1h30m, 1.5s, 250ms or 1d");
  *milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
  return REGISTRY_OK;
}

/* Stores the number of items of a list. */
static inline registry_code registry_option_count(registry_string_v1 options, const char *path, size_t *count,
                                                  registry_message_v1 *message) {
  registry_options_cursor cursor;
  size_t items = 0;
  registry_code code = registry_options_value(options, path, '[', "a list", &cursor, message);
  if (code != REGISTRY_OK) return code;
  registry_options_take(&cursor, '[');
  if (registry_options_kind(cursor) != 0) {
    do items++;
    while (registry_options_skip(&cursor) && registry_options_take(&cursor, ','));
  }
  *count = items;
  return REGISTRY_OK;
}

#ifdef __cplusplus
}
#endif

#endif
