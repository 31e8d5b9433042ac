/* sa_install.c - control's records about security associations, as esp/ takes them */
#include "worker/sa_install.h"

#include <string.h>

_Static_assert((int)ABI_SA_INTEGRITY_NONE == (int)ESP_INTEGRITY_NONE &&
		       (int)ABI_SA_HMAC_MD5_96 == (int)ESP_HMAC_MD5_96 &&
		       (int)ABI_SA_HMAC_SHA_1_96 == (int)ESP_HMAC_SHA_1_96 &&
		       (int)ABI_SA_HMAC_SHA_256_128 == (int)ESP_HMAC_SHA_256_128 &&
		       (int)ABI_SA_AES_GMAC == (int)ESP_AES_GMAC &&
		       (int)ABI_SA_INTEGRITY_MAX == (int)ESP_INTEGRITY_MAX,
	       "integrity has the same numbers on both sides");
_Static_assert((int)ABI_SA_NULL == (int)ESP_NULL && (int)ABI_SA_AES_CBC == (int)ESP_AES_CBC &&
		       (int)ABI_SA_AES_GCM == (int)ESP_AES_GCM &&
		       (int)ABI_SA_CIPHER_MAX == (int)ESP_CIPHER_MAX,
	       "and so have ciphers");
_Static_assert((int)ABI_SA_KEY == (int)ESP_KEY, "and keys their length");

static int status_of(int status)
{
	switch ((enum esp_status)status) {
	case ESP_OK:
		return INSTALL_OK;
	case ESP_MALFORMED:
		return INSTALL_MALFORMED;
	case ESP_NO_MEMORY:
		return INSTALL_NO_MEMORY;
	case ESP_CONFLICT:
		return INSTALL_CONFLICT;
	case ESP_UNKNOWN:
		return INSTALL_LOST;
	}
	return INSTALL_MALFORMED;
}

static int put(struct esp_sas *sas, const struct abi_sa_view *v)
{
	struct esp_sa_spec s = {
		.sa_id = v->sa_id,
		.set_id = v->set_id,
		.ue = v->ue,
		.local = v->local,
		.port_us = v->port_us,
		.port_pc = v->port_pc,
		.spi_uc = v->spi_uc,
		.spi_us = v->spi_us,
		.spi_pc = v->spi_pc,
		.spi_ps = v->spi_ps,
		.nat = v->nat,
		.integrity = v->integrity,
		.cipher = v->cipher,
		.used = v->used,
		.expires_ms = v->expires_ms,
	};

	memcpy(s.ck, v->ck, sizeof(s.ck));
	memcpy(s.ik, v->ik, sizeof(s.ik));
	int status = status_of(esp_sa_put(sas, &s));
	explicit_bzero(&s, sizeof(s));
	return status;
}

int sa_install(void *context, const struct abi_install_view *v)
{
	struct esp_sas *sas = context;

	switch (v->type) {
	case INSTALL_SA:
		return put(sas, &v->sa);
	case INSTALL_SA_DELETE:
		return status_of(esp_sa_delete(sas, v->sa_id));
	case INSTALL_SYNC_BEGIN:
		esp_sync_begin(sas);
		return INSTALL_OK;
	case INSTALL_SYNC_END:
		esp_sync_end(sas);
		return INSTALL_OK;
	case INSTALL_REGISTRATION:
	case INSTALL_DELETE:
	case INSTALL_PROFILE:
	case INSTALL_PROLONG:
	case INSTALL_SERVER:
	case INSTALL_ROUTE:
		break;
	}
	return INSTALL_MALFORMED;
}
