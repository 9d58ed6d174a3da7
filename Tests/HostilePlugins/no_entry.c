/* A library like any other. */
int useful(void);
__attribute__((visibility("default"))) int useful(void) { return 42; }
