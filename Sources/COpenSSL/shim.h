// The part of OpenSSL's libcrypto that seals and opens what nodes leave with the discovery service.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
