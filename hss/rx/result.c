/* result.c - the names of results, actions and access networks of Rx */
#include "rx/rx.h"

struct name {
	int code;
	const char *name;
};

static const struct name result_name[] = {
	{RX_TEMPORARILY_NOT_AUTHORIZED, "REQUESTED_SERVICE_TEMPORARILY_NOT_AUTHORIZED"},
	{RX_INVALID_SERVICE_INFORMATION, "INVALID_SERVICE_INFORMATION"},
	{RX_FILTER_RESTRICTIONS, "FILTER_RESTRICTIONS"},
	{RX_SERVICE_NOT_AUTHORIZED, "REQUESTED_SERVICE_NOT_AUTHORIZED"},
	{RX_DUPLICATED_AF_SESSION, "DUPLICATED_AF_SESSION"},
	{RX_IP_CAN_SESSION_NOT_AVAILABLE, "IP-CAN_SESSION_NOT_AVAILABLE"},
	{RX_UNAUTHORIZED_NON_EMERGENCY, "UNAUTHORIZED_NON_EMERGENCY_SESSION"},
	{RX_UNKNOWN_SESSION_ID, "DIAMETER_UNKNOWN_SESSION_ID"},
};

static const struct name action_name[] = {
	{RX_LOSS_OF_BEARER, "loss of bearer"},
	{RX_RECOVERY_OF_BEARER, "recovery of bearer"},
	{RX_RELEASE_OF_BEARER, "release of bearer"},
	{RX_IP_CAN_CHANGE, "IP-CAN change"},
	{RX_OUT_OF_CREDIT, "out of credit"},
	{RX_RESOURCES_ALLOCATED, "resources allocated"},
	{RX_RESOURCES_FAILED, "resources failed"},
	{RX_USAGE_REPORT, "usage report"},
};

static const struct name ip_can_name[] = {
	{0, "3GPP-GPRS"}, {1, "DOCSIS"},       {2, "xDSL"},         {3, "WiMAX"},
	{4, "3GPP2"},     {5, "3GPP-EPS"},     {6, "non-3GPP-EPS"}, {7, "FBA"},
	{8, "3GPP-5GS"},  {9, "non-3GPP-5GS"},
};

static const struct name rat_name[] = {
	{0, "WLAN"},     {1, "virtual"},        {1000, "UTRAN"},   {1001, "GERAN"},
	{1002, "GAN"},   {1003, "HSPA"},        {1004, "E-UTRAN"}, {1005, "NB-IoT"},
	{1006, "NR"},    {2000, "cdma2000 1x"}, {2001, "HRPD"},    {2002, "UMB"},
	{2003, "eHRPD"},
};

static const char *find(const struct name *all, size_t n, int code)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].code == code)
			return all[i].name;
	return NULL;
}

const char *rx_result_name(int code)
{
	const char *name =
		find(result_name, sizeof(result_name) / sizeof(result_name[0]), code);

	return name ? name : cx_result_name(code);
}

const char *rx_action_name(uint32_t action)
{
	const char *name =
		find(action_name, sizeof(action_name) / sizeof(action_name[0]), (int)action);

	return name ? name : "unknown";
}

const char *rx_ip_can_name(uint32_t ip_can)
{
	const char *name =
		find(ip_can_name, sizeof(ip_can_name) / sizeof(ip_can_name[0]), (int)ip_can);

	return ip_can == RX_UNSAID ? "" : name ? name : "unknown";
}

const char *rx_rat_name(uint32_t rat)
{
	const char *name = find(rat_name, sizeof(rat_name) / sizeof(rat_name[0]), (int)rat);

	return rat == RX_UNSAID ? "" : name ? name : "unknown";
}
