/* Gives its host something all the time, in a way that FLOOD says, until it is stopped. */
#include "hostile.h"
#include <stdatomic.h>

#define TEXTS 1      /* reports with another text each time */
#define COUNTS 2     /* reports of every aspect with a count in them */
#define FLAPS 3      /* one node comes and goes */
#define ENDLESS 4    /* new nodes without end, 50,000 at once */
#define SHARED 5     /* nodes that come and go, all with one address and one nodename */
#define LOGS 6       /* lines of log */
#define OUTCOMES 7   /* outcomes of publications that nobody asked for */

typedef struct {
  const registry_host_v1 *host;
  pthread_t thread;
  atomic_int stopped;
} flooding;

/* A report that the aspect doesn't work, for a reason with `number` in it. */
static void trouble(flooding *self, unsigned number) {
  static char padding[2048];
  char text[2200];
  memset(padding, 'x', sizeof padding - 1);
  snprintf(text, sizeof text, "%u: %s", number, FLOOD == TEXTS ? padding : "items were left out");
  registry_report_trouble(self->host, registry_string(""), REGISTRY_UNAVAILABLE, text);
}

static void *flood(void *context) {
  flooding *self = context;
  const registry_host_v1 *host = self->host;
  uint8_t address[4] = {10, 9, 9, 9};
  registry_address_v1 addresses[1];
  memset(addresses, 0, sizeof addresses);
  memcpy(addresses[0].bytes, address, sizeof address);
  addresses[0].family = 4;
  registry_affiliate_v1 first = node("first");
  snapshot(host, &first, 1, NULL);
  for (unsigned number = 0; !atomic_load(&self->stopped); number++) {
    char id[32];
    if (FLOOD == TEXTS || FLOOD == COUNTS) trouble(self, number);
    if (FLOOD == LOGS) host->log(host->context, REGISTRY_LOG_WARNING, registry_string("once more"));
    if (FLOOD == OUTCOMES)
      host->published(host->context, number % 8, REGISTRY_FAILED, registry_string("nobody asked for it"));
    if (FLOOD == FLAPS || FLOOD == ENDLESS || FLOOD == SHARED) {
      unsigned of = FLOOD == FLAPS ? 1 : FLOOD == ENDLESS ? 50000 : 10000;
      snprintf(id, sizeof id, "f%u", FLOOD == ENDLESS ? number : number / 2 % of);
      registry_affiliate_v1 one = node(id);
      if (FLOOD == SHARED) {
        one.nodename = registry_string("same");
        one.addresses = addresses;
        one.address_count = 1;
      }
      if (FLOOD == ENDLESS || number % 2 == 0) {
        if (upsert(host, registry_string(""), &one, NULL) != REGISTRY_OK) return NULL;
      } else if (FLOOD == FLAPS || number % 8 == 1) {
        remove_node(host, registry_string(""), registry_string(id), REGISTRY_REASON_REMOVED, NULL);
      }
      if (FLOOD == ENDLESS && number >= of) {
        snprintf(id, sizeof id, "f%u", number - of);
        remove_node(host, registry_string(""), registry_string(id), REGISTRY_REASON_EXPIRED, NULL);
      }
    }
  }
  return NULL;
}

static registry_code create(const registry_host_v1 *host, const registry_settings_v1 *settings, void **instance,
                            registry_message_v1 *message) {
  (void)settings, (void)message;
  flooding *self = calloc(1, sizeof *self);
  self->host = host;
  *instance = self;
  return REGISTRY_OK;
}

static registry_code start(void *instance, registry_message_v1 *message) {
  flooding *self = instance;
  (void)message;
  return pthread_create(&self->thread, NULL, flood, self) == 0 ? REGISTRY_OK : REGISTRY_FAILED;
}

static void stop(void *instance) {
  flooding *self = instance;
  atomic_store(&self->stopped, 1);
  pthread_join(self->thread, NULL);
}

PLUGIN("floods", create, start, stop, plain_destroy)
