/* service.c - what a subscription wants of its S-CSCF and of charging, as an operator writes it
 */
#include "hss/service.h"

#include <stdio.h>

#include "sip/uri.h"

/* One of the lists: numbers, or names. */
struct list {
	uint32_t *n, most;
	uint32_t *number;
	char (*name)[STORE_HOST_MAX + 1];
};

static struct list list_of(struct store_service *v, enum entry_key key)
{
	switch (key) {
	case ENTRY_CAPABILITIES:
		return (struct list){&v->n_mandatory, STORE_CAPABILITIES_MAX, v->mandatory,
				     NULL};
	case ENTRY_CAPABILITIES_OPTIONAL:
		return (struct list){&v->n_optional, STORE_CAPABILITIES_MAX, v->optional, NULL};
	case ENTRY_SCSCF:
		return (struct list){&v->n_servers, STORE_SERVERS_MAX, NULL, v->server};
	case ENTRY_CCF:
		return (struct list){&v->n_ccf, STORE_CHARGING_MAX, NULL, v->ccf};
	default:
		return (struct list){&v->n_ecf, STORE_CHARGING_MAX, NULL, v->ecf};
	}
}

bool service_has(enum entry_key key)
{
	return key == ENTRY_CAPABILITIES || key == ENTRY_CAPABILITIES_OPTIONAL ||
	       key == ENTRY_SCSCF || key == ENTRY_CCF || key == ENTRY_ECF;
}

static bool refuse(char *error, const char *sentence)
{
	snprintf(error, ENTRY_ERROR_MAX, "%s", sentence);
	return false;
}

/* Names go into SIP headers between quotes, and into lists. */
static bool name_sound(struct slice s)
{
	for (uint32_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 || strchr("\"\\,<>", s.p[i]))
			return false;
	return s.len <= STORE_HOST_MAX;
}

static bool take_number(struct list *l, struct slice item, char *error)
{
	uint64_t value;

	if (!slice_u64(item, UINT32_MAX, &value))
		return refuse(error, "not the number of a capability");
	l->number[(*l->n)++] = (uint32_t)value;
	return true;
}

static bool take_name(struct list *l, struct slice item, bool sip, char *error)
{
	struct sip_uri uri;

	if (!name_sound(item))
		return refuse(error, "not a name");
	if (sip && (sip_uri_decode(item, &uri) != SIP_OK || uri.scheme != SIP_SCHEME_SIP))
		return refuse(error, "not a SIP URI");
	memcpy(l->name[*l->n], item.p, item.len);
	l->name[(*l->n)++][item.len] = 0;
	return true;
}

bool service_take(struct store_service *v, enum entry_key key, struct slice value,
		  char error[ENTRY_ERROR_MAX])
{
	struct list l = list_of(v, key);

	while (value.len) {
		uint32_t end = slice_find(value, ';');
		struct slice item = slice_trim(slice_sub(value, 0, end));

		value = slice_from(value, end + 1);
		if (item.len == 0)
			continue;
		if (*l.n == l.most) {
			snprintf(error, ENTRY_ERROR_MAX, "more than %u", l.most);
			return false;
		}
		if (l.number ? !take_number(&l, item, error)
			     : !take_name(&l, item, key == ENTRY_SCSCF, error))
			return false;
	}
	return true;
}

void service_keep(struct store_service *v, const struct store_service *old, uint32_t given)
{
	struct store_service was = *old;

	for (int key = 0; key < ENTRY_KEYS_MAX; key++) {
		if (!service_has((enum entry_key)key) || given >> key & 1)
			continue;
		struct list to = list_of(v, (enum entry_key)key);
		struct list from = list_of(&was, (enum entry_key)key);

		*to.n = *from.n;
		if (to.number)
			memcpy(to.number, from.number, to.most * sizeof(*to.number));
		else
			memcpy(to.name, from.name, to.most * sizeof(*to.name));
	}
}

uint32_t service_count(const struct store_service *v, enum entry_key key)
{
	return *list_of((struct store_service *)v, key).n;
}

void service_put_item(const struct store_service *v, enum entry_key key, uint32_t i,
		      struct text *t)
{
	struct list l = list_of((struct store_service *)v, key);

	if (l.number)
		text_u64(t, l.number[i]);
	else
		text_str(t, l.name[i]);
}
