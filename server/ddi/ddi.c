/* server/ddi/ddi.c: the routes of devices (hawkbit-ddi.md 1). */
#include "server/ddi/ddi.h"

#define BASE "/{tenant}/controller/v1/{controllerId}"

const struct api_route ddi_routes[] = {
    {API_GET, BASE, API_DEVICE, DB_READ, API_NO_BODY, ddi_poll, "What is there to do?"},
    {API_PUT, BASE "/configData", API_DEVICE, DB_WRITE, API_JSON, ddi_config_data,
     "Attributes of the device"},
    {API_GET, BASE "/deploymentBase/{actionId}", API_DEVICE, DB_WRITE, API_NO_BODY, ddi_deployment,
     "What to install"},
    {API_POST, BASE "/deploymentBase/{actionId}/feedback", API_DEVICE, DB_WRITE, API_JSON,
     ddi_feedback, "How the installation goes"},
    {API_GET, BASE "/cancelAction/{actionId}", API_DEVICE, DB_WRITE, API_NO_BODY, ddi_cancel,
     "What to stop"},
    {API_POST, BASE "/cancelAction/{actionId}/feedback", API_DEVICE, DB_WRITE, API_JSON,
     ddi_cancel_feedback, "How stopping goes"},
    {API_GET, BASE "/installedBase/{actionId}", API_DEVICE, DB_READ, API_NO_BODY, ddi_installed,
     "What was installed last"},
    {API_PUT, BASE "/installedBase", API_DEVICE, DB_WRITE, API_JSON, ddi_declare_installed,
     "What the device runs, by name and version"},
    {API_GET, BASE "/confirmationBase", API_DEVICE, DB_READ, API_NO_BODY, ddi_confirmation,
     "Is there something to agree to?"},
    {API_GET, BASE "/confirmationBase/{actionId}", API_DEVICE, DB_READ, API_NO_BODY,
     ddi_confirmation_action, "What to agree to"},
    {API_POST, BASE "/confirmationBase/{actionId}/feedback", API_DEVICE, DB_WRITE, API_JSON,
     ddi_confirmation_feedback, "Agreed, or not"},
    {API_POST, BASE "/confirmationBase/activateAutoConfirm", API_DEVICE, DB_WRITE,
     API_JSON_OPTIONAL, ddi_auto_confirm_on, "Agree to everything from now on"},
    {API_POST, BASE "/confirmationBase/deactivateAutoConfirm", API_DEVICE, DB_WRITE, API_NO_BODY,
     ddi_auto_confirm_off, "Ask again from now on"},
    {API_GET, BASE "/softwaremodules/{moduleId}/artifacts", API_DEVICE, DB_READ, API_NO_BODY,
     ddi_artifacts, "The files of a module"},
    {API_GET, BASE "/softwaremodules/{moduleId}/artifacts/{fileName}", API_DEVICE, DB_READ,
     API_NO_BODY, ddi_artifact, "A file, or with .MD5SUM behind its name the MD5 of it"},
    {0},
};
