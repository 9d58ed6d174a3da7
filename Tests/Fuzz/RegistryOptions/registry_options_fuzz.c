/* Reads options of any bytes by any path: the input's first line is the path, the rest the options.
 *
 * Whatever comes, nothing is read or written outside what was given, and what is stored keeps the promises of
 * registry_options.h. */
#include <stdlib.h>

#include "registry_options.h"

#define EXPECT(condition) \
  if (!(condition)) abort()

static int is_utf8(const char *text, size_t length) {
  registry_options_cursor cursor = {text, text + length};
  char bytes[4];
  while (cursor.at < cursor.end) {
    /* What is no escape within a string is one that doesn't begin with a backslash, nor is a control. */
    if ((unsigned char)*cursor.at < 0x20 || *cursor.at == '\\') {
      cursor.at++;
      continue;
    }
    if (registry_options_character(&cursor, bytes) == 0) return 0;
  }
  return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *line = memchr(data, '\n', size);
  size_t path_length = line ? (size_t)(line - data) : 0, length = line ? size - path_length - 1 : size;
  /* Copies of their very size, so that the sanitizer sees each byte too far. */
  char *path = calloc(path_length + 1, 1), *text = malloc(length ? length : 1);
  if (!path || !text) abort();
  memcpy(path, data, path_length);
  memcpy(text, data + size - length, length);

  char said[256], buffer[32], small[4];
  registry_message_v1 message = {said, sizeof said, 0};
  registry_string_v1 options = {text, length};
  registry_settings_v1 settings;
  memset(&settings, 0, sizeof settings);
  settings.options = options;
  settings.base_directory = registry_string("/etc");
  int64_t integer = -1, duration = -1;
  size_t count = (size_t)-1;
  double number = 0;
  int flag = -1, exists = registry_option_exists(options, path);
  registry_code codes[7];

  memset(buffer, 'x', sizeof buffer);
  codes[0] = registry_option_text(options, path, buffer, sizeof buffer, &message);
  EXPECT(message.length <= sizeof said);
  EXPECT(codes[0] == REGISTRY_OK || codes[0] == REGISTRY_LIMIT_EXCEEDED || buffer[0] == 'x');
  if (codes[0] == REGISTRY_OK) EXPECT(strlen(buffer) < sizeof buffer && is_utf8(buffer, strlen(buffer)));
  codes[1] = registry_option_integer(options, path, &integer, &message);
  codes[2] = registry_option_number(options, path, &number, &message);
  codes[3] = registry_option_bool(options, path, &flag, &message);
  codes[4] = registry_option_duration(options, path, &duration, &message);
  codes[5] = registry_option_count(options, path, &count, &message);
  codes[6] = registry_option_path(&settings, path, buffer, sizeof buffer, &message);
  EXPECT(registry_option_text(options, path, small, sizeof small, NULL) != REGISTRY_OK || strlen(small) < 4);

  /* A value is of one kind. */
  EXPECT((codes[0] == REGISTRY_OK) + (codes[2] == REGISTRY_OK) + (codes[3] == REGISTRY_OK) +
             (codes[5] == REGISTRY_OK) <=
         1);
  for (int index = 0; index < 7; index++) EXPECT(codes[index] != REGISTRY_OK || exists);
  if (codes[1] == REGISTRY_OK) {
    double distance = number - (double)integer;
    EXPECT(codes[2] == REGISTRY_OK);
    EXPECT(distance * distance <= (number * number) * 1e-28);
  }
  if (codes[2] == REGISTRY_OK) EXPECT(number == number);
  if (codes[3] == REGISTRY_OK) EXPECT(flag == 0 || flag == 1);
  if (codes[4] == REGISTRY_OK) EXPECT(duration >= 0 && duration <= INT64_C(36500) * 86400000);
  if (codes[5] == REGISTRY_OK) EXPECT(count <= length);
  if (codes[6] == REGISTRY_OK) EXPECT(buffer[0] == '/');

  free(path);
  free(text);
  return 0;
}
