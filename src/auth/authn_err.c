/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What AWS answers when it does not accept who is calling, worded by the service's family.  Codes
 * and statuses: "Common Error Types" of each API reference, S3's "Error responses".
 */

#include "auth/sigv4.h"

#include "auth/authn_detail.h"
#include "base/arena.h"

#define N_FAMILIES VG_AUTHN_S3
#define N_WHYS     VG_AUTHN_BAD_HASH

#define DEF(c, s)                                                                                  \
    {                                                                                              \
        .code = VG_STR_INIT(c), .http_status = (s), .is_sender_fault = true                        \
    }

#define DETAILED(c, s)                                                                             \
    {                                                                                              \
        .code = VG_STR_INIT(c), .http_status = (s), .is_sender_fault = true,                       \
        .shape = &authn_detail_shape                                                               \
    }

#define JSON_DEFS(s)                                                                               \
    {                                                                                              \
        DEF("MissingAuthenticationTokenException", s), DEF("IncompleteSignatureException", s),     \
            DEF("UnrecognizedClientException", s), DEF("UnrecognizedClientException", s),          \
            DEF("ExpiredTokenException", s), DEF("InvalidSignatureException", s),                  \
            DEF("InvalidSignatureException", s), DEF("InvalidSignatureException", s),              \
            DEF("InvalidSignatureException", s), DEF("IncompleteSignatureException", s),           \
            DEF("SerializationException", s), DEF("SerializationException", s),                    \
            DEF("SerializationException", s), DEF("SerializationException", s),                    \
            DEF("SerializationException", s), DEF("SerializationException", s),                    \
            DEF("IncompleteSignatureException", s), DEF("IncompleteSignatureException", s),        \
            DEF("IncompleteSignatureException", s),                                                \
    }

static const struct vg_errdef defs[N_FAMILIES][N_WHYS] = {
    JSON_DEFS(400),
    JSON_DEFS(403),
    {
        DEF("MissingAuthenticationToken", 403),
        DEF("IncompleteSignature", 400),
        DEF("InvalidClientTokenId", 403),
        DEF("InvalidClientTokenId", 403),
        DEF("ExpiredToken", 403),
        DEF("SignatureDoesNotMatch", 403),
        DEF("SignatureDoesNotMatch", 403),
        DEF("SignatureDoesNotMatch", 403),
        DEF("SignatureDoesNotMatch", 403),
        DEF("IncompleteSignature", 400),
        DEF("MalformedInput", 400),
        DEF("MalformedInput", 400),
        DEF("MalformedInput", 400),
        DEF("MalformedInput", 400),
        DEF("MalformedInput", 400),
        DEF("MalformedInput", 400),
        DEF("IncompleteSignature", 400),
        DEF("IncompleteSignature", 400),
        DEF("IncompleteSignature", 400),
    },
    {
        DEF("AccessDenied", 403),
        DEF("AuthorizationHeaderMalformed", 400),
        DETAILED("InvalidAccessKeyId", 403),
        DEF("InvalidToken", 400),
        DEF("ExpiredToken", 400),
        DETAILED("SignatureDoesNotMatch", 403),
        DEF("RequestTimeTooSkewed", 403),
        DEF("AccessDenied", 403),
        DEF("XAmzContentSHA256Mismatch", 400),
        DEF("NotImplemented", 501),
        DEF("IncompleteBody", 400),
        DEF("RequestTimeout", 400),
        DEF("InvalidChunkSizeError", 403),
        DEF("MalformedTrailerError", 400),
        DEF("MissingContentLength", 411),
        DEF("InvalidRequest", 400),
        DEF("InvalidRequest", 400),
        DEF("AuthorizationQueryParametersError", 400),
        DEF("InvalidArgument", 400),
    },
};

static const struct vg_str texts[VG_AUTHN_UNSUPPORTED] = {
    VG_STR_INIT("Request is missing Authentication Token"),
    VG_STR_INIT("The request signature does not conform to AWS standards."),
    VG_STR_INIT("The security token included in the request is invalid."),
    VG_STR_INIT("The security token included in the request is invalid."),
    VG_STR_INIT("The security token included in the request is expired"),
    VG_STR_INIT("The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details."),
    VG_STR_INIT("Signature expired"),
    VG_STR_INIT("Signature expired"),
    VG_STR_INIT("The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details."),
    VG_STR_INIT("This signing method is not supported."),
};

/* Of those behind that, whatever the family. */
static const struct vg_str more_texts[] = {
    VG_STR_INIT("The request body terminated unexpectedly"),
    VG_STR_INIT("Your socket connection to the server was not read from or written to within the "
                "timeout period. Idle connections will be closed."),
    VG_STR_INIT("Only the last chunk is allowed to have a size less than 8192 bytes"),
    VG_STR_INIT("The request contained trailing data that was not well-formed or did not conform "
                "to our published schema."),
    VG_STR_INIT("You must provide the Content-Length HTTP header."),
    VG_STR_INIT("Missing required header for this request: x-amz-content-sha256"),
    VG_STR_INIT("The authorization mechanism you have provided is not supported. Please use "
                "AWS4-HMAC-SHA256."),
    VG_STR_INIT("The query parameters of the signature are not valid."),
    VG_STR_INIT("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or a valid sha256 value."),
};

static const struct vg_str s3_texts[VG_AUTHN_UNSUPPORTED] = {
    VG_STR_INIT("Access Denied"),
    VG_STR_INIT("The authorization header that you provided is not valid."),
    VG_STR_INIT("The AWS Access Key Id you provided does not exist in our records."),
    VG_STR_INIT("The provided token is malformed or otherwise invalid."),
    VG_STR_INIT("The provided token has expired."),
    VG_STR_INIT("The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method."),
    VG_STR_INIT("The difference between the request time and the current time is too large."),
    VG_STR_INIT("Request has expired"),
    VG_STR_INIT("The provided 'x-amz-content-sha256' header does not match what was computed."),
    VG_STR_INIT("A header you provided implies functionality that is not implemented."),
};

const struct vg_errdef *
vg_authn_errdef(enum vg_authn_family family, enum vg_authn_why why)
{
    VG_ASSERT(family >= 1 && family <= N_FAMILIES && why >= 1 && why <= N_WHYS);
    return &defs[family - 1][why - 1];
}

static struct vg_str
default_text(enum vg_authn_family family, enum vg_authn_why why)
{
    if (why > VG_AUTHN_UNSUPPORTED)
        return more_texts[why - VG_AUTHN_UNSUPPORTED - 1];
    if (family == VG_AUTHN_S3)
        return s3_texts[why - 1];
    if (why == VG_AUTHN_MISSING && family != VG_AUTHN_QUERY)
        return VG_STR("Missing Authentication Token");
    return texts[why - 1];
}

vg_rc
vg_authn_fail(struct vg_err *err, enum vg_authn_family family, enum vg_authn_why why,
              struct vg_str text)
{
    const struct vg_errdef *def = vg_authn_errdef(family, why);
    if (!text.ptr)
        text = default_text(family, why);
    vg_err_set(err, "%" VG_FMT, VG_ARG(text));
    err->def = def;
    err->text = text;
    return VG_FAIL;
}
