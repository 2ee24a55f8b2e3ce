# mbedTLS and lwIP for the device, from Debian's source packages (cmake/fetch-sources.sh), built
# with the configurations in device/app. Targets: mbedtls, lwip. Their code is not ours: no
# own_code().
get_filename_component(TRUSTCHAIN_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(SOURCES_DIR "${TRUSTCHAIN_ROOT}/build/sources" CACHE PATH "Where fetched sources are kept")

execute_process(COMMAND "${TRUSTCHAIN_ROOT}/cmake/fetch-sources.sh" "${SOURCES_DIR}"
  RESULT_VARIABLE fetched)
if(NOT fetched EQUAL 0)
  message(FATAL_ERROR "The sources of mbedTLS and lwIP are not there (see the line above)")
endif()

# Crypto, X.509 and the TLS client; the rest of the package is not compiled.
set(mbedtls_names
  aes asn1parse asn1write bignum bignum_core bignum_mod bignum_mod_raw block_cipher chacha20
  chachapoly cipher cipher_wrap constant_time ctr_drbg ecdh ecdsa ecp ecp_curves entropy gcm hkdf md
  memory_buffer_alloc oid pk pk_ecc pk_wrap pkparse platform platform_util poly1305 psa_crypto
  psa_crypto_aead psa_crypto_cipher psa_crypto_client psa_crypto_driver_wrappers_no_static
  psa_crypto_ecp psa_crypto_hash psa_crypto_mac psa_crypto_random psa_crypto_rsa
  psa_crypto_slot_management psa_util rsa rsa_alt_helpers sha256 sha512
  x509 x509_crt ssl_ciphersuites ssl_client ssl_debug_helpers_generated ssl_msg ssl_tls
  ssl_tls12_client ssl_tls13_client ssl_tls13_generic ssl_tls13_keys)
set(mbedtls_sources)
foreach(name ${mbedtls_names})
  # Not every 3.6.x has every file.
  if(EXISTS "${SOURCES_DIR}/mbedtls/library/${name}.c")
    list(APPEND mbedtls_sources "${SOURCES_DIR}/mbedtls/library/${name}.c")
  endif()
endforeach()
add_library(mbedtls STATIC ${mbedtls_sources}
  "${TRUSTCHAIN_ROOT}/device/app/mbedtls/accelerators.c")
target_include_directories(mbedtls SYSTEM PUBLIC "${SOURCES_DIR}/mbedtls/include"
  "${SOURCES_DIR}/mbedtls/library")
target_compile_definitions(mbedtls PUBLIC
  "MBEDTLS_CONFIG_FILE=\"device/app/mbedtls/config.h\"")
target_compile_options(mbedtls PRIVATE -O2)
# Speed is in the arithmetic; what reads messages and certificates is for size.
foreach(source ${mbedtls_sources})
  if(source MATCHES "/(ssl_|x509|pk|psa_|oid|asn1)[^/]*$")
    set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS -Os)
  endif()
endforeach()

file(GLOB lwip_sources CONFIGURE_DEPENDS "${SOURCES_DIR}/lwip/src/core/*.c"
  "${SOURCES_DIR}/lwip/src/core/ipv4/*.c")
add_library(lwip STATIC ${lwip_sources} "${SOURCES_DIR}/lwip/src/netif/ethernet.c")
target_include_directories(lwip SYSTEM PUBLIC "${SOURCES_DIR}/lwip/src/include"
  "${TRUSTCHAIN_ROOT}/device/app/lwip")
