#pragma once

#include <curl/curl.h>

#include "collector/http.hpp"

namespace pawl::collector {

/// What kind of failure libcurl's code stands for. `answered`: a status line had come before.
[[nodiscard]] HttpFailure::Kind kind_of(CURLcode code, bool answered);

}  // namespace pawl::collector
