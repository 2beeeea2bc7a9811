#include "collector/curl_error.hpp"

namespace pawl::collector {

HttpFailure::Kind kind_of(CURLcode code, bool answered) {
    using Kind = HttpFailure::Kind;
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
        case CURLE_SEND_ERROR:
        case CURLE_GOT_NOTHING:
            return Kind::unreachable;
        case CURLE_RECV_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return answered ? Kind::truncated : Kind::unreachable;
        case CURLE_PARTIAL_FILE:
            return Kind::truncated;
        case CURLE_OPERATION_TIMEDOUT:
            return Kind::timeout;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        case CURLE_SSL_INVALIDCERTSTATUS:
        case CURLE_SSL_CRL_BADFILE:
        case CURLE_SSL_CLIENTCERT:
        case CURLE_USE_SSL_FAILED:
            return Kind::tls;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
            return Kind::refused_target;
        default:
            return Kind::protocol;
    }
}

}  // namespace pawl::collector
