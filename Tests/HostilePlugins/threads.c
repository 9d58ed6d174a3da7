/* Calls the host from eight threads at once, each with a source of its own. */
#include "hostile.h"

#define THREADS 8
#define ROUNDS 200

typedef struct {
  const registry_host_v1 *host;
  pthread_t threads[THREADS];
} busy;

typedef struct {
  const registry_host_v1 *host;
  int number;
} task;

static void *speak(void *argument) {
  task own = *(task *)argument;
  free(argument);
  char source[16], id[32];
  snprintf(source, sizeof source, "s%d", own.number);
  const registry_host_v1 *host = own.host;
  registry_string_v1 from = registry_string(source);
  registry_apply_snapshot(host, from, NULL, 0, NULL);
  for (int round = 0; round < ROUNDS; round++) {
    snprintf(id, sizeof id, "node-%d-%d", own.number, round);
    registry_affiliate_v1 one = node(id);
    if (upsert(host, from, &one, NULL) != REGISTRY_OK) break;
    host->log(host->context, REGISTRY_LOG_DEBUG, registry_string(id));
  }
  return NULL;
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)settings, (void)message;
  busy *own = calloc(1, sizeof *own);
  own->host = host;
  *instance = own;
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  (void)message;
  busy *own = instance;
  for (int number = 0; number < THREADS; number++) {
    task *work = malloc(sizeof *work);
    *work = (task){own->host, number};
    pthread_create(&own->threads[number], NULL, speak, work);
  }
  return REGISTRY_OK;
}

static void stop(void *instance) {
  busy *own = instance;
  for (int number = 0; number < THREADS; number++) pthread_join(own->threads[number], NULL);
}

PLUGIN("threads", create, start, stop, plain_destroy)
