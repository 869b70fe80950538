#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Deploys the notes application with the AWS CLI and nothing else; works the same on AWS.
#   deploy.sh up      table, role, three functions, HTTP API; prints the API's id and endpoint as JSON
#   deploy.sh allow   lets the role use the table (until then its writes are denied)
#   deploy.sh deny    takes that away again
#   deploy.sh down    removes everything
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${NOTES_NAME:-notes}
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}
aws=${AWS_CLI:-aws}
languages="python nodejs native"

run() {
    [ -z "${NOTES_VERBOSE:-}" ] || printf '  $ aws %s\n' "$(printf '%s ' "$@" | cut -c1-110)" >&2
    "$aws" --region "$region" --output json "$@"
}

account() { run sts get-caller-identity --query Account --output text; }

package() { # package LANGUAGE ZIP
    local dir=$here/$1
    if [ "$1" = native ]; then
        dir=$work/native
        mkdir -p "$dir"
        "${CC:-gcc}" -std=gnu11 -O2 -static -s -o "$dir/bootstrap" "$here"/native/*.c
    fi
    (cd "$dir" && python3 -m zipfile -c "$2" ./*)
}

runtime_of() {
    case "$1" in
    python) echo python3.12 handler.handler ;;
    nodejs) echo nodejs22.x index.handler ;;
    native) echo provided.al2023 bootstrap ;;
    esac
}

trust='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'

up() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    run dynamodb create-table --table-name "$name" --billing-mode PAY_PER_REQUEST \
        --attribute-definitions AttributeName=language,AttributeType=S AttributeName=id,AttributeType=S \
        --key-schema AttributeName=language,KeyType=HASH AttributeName=id,KeyType=RANGE >/dev/null
    run dynamodb wait table-exists --table-name "$name"
    local role
    role=$(run iam create-role --role-name "$name" --assume-role-policy-document "$trust" \
        --query Role.Arn --output text)
    run iam attach-role-policy --role-name "$name" \
        --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
    local api account language runtime handler arn integration
    account=$(account)
    api=$(run apigatewayv2 create-api --name "$name" --protocol-type HTTP --query ApiId --output text)
    for language in $languages; do
        read -r runtime handler <<<"$(runtime_of "$language")"
        package "$language" "$work/$language.zip"
        arn=$(run lambda create-function --function-name "$name-$language" --runtime "$runtime" \
            --handler "$handler" --role "$role" --timeout 10 --memory-size 256 \
            --environment "Variables={TABLE=$name}" --zip-file "fileb://$work/$language.zip" \
            --query FunctionArn --output text)
        run lambda wait function-active-v2 --function-name "$name-$language"
        integration=$(run apigatewayv2 create-integration --api-id "$api" --integration-type AWS_PROXY \
            --integration-uri "$arn" --payload-format-version 2.0 --query IntegrationId --output text)
        run apigatewayv2 create-route --api-id "$api" --route-key "POST /$language/notes" \
            --target "integrations/$integration" >/dev/null
        run apigatewayv2 create-route --api-id "$api" --route-key "GET /$language/notes/{id}" \
            --target "integrations/$integration" >/dev/null
        # The native one keeps to single notes.
        [ "$language" = native ] || run apigatewayv2 create-route --api-id "$api" \
            --route-key "GET /$language/notes" --target "integrations/$integration" >/dev/null
        run lambda add-permission --function-name "$name-$language" --statement-id api \
            --action lambda:InvokeFunction --principal apigateway.amazonaws.com \
            --source-arn "arn:aws:execute-api:$region:$account:$api/*" >/dev/null
    done
    run apigatewayv2 create-stage --api-id "$api" --stage-name "\$default" --auto-deploy >/dev/null
    run apigatewayv2 get-api --api-id "$api" --query '{ApiId:ApiId,ApiEndpoint:ApiEndpoint}'
}

allow() {
    local account
    account=$(account)
    run iam put-role-policy --role-name "$name" --policy-name table --policy-document \
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:PutItem","dynamodb:GetItem","dynamodb:Query"],"Resource":"arn:aws:dynamodb:'"$region:$account"':table/'"$name"'"}]}'
}

deny() { run iam delete-role-policy --role-name "$name" --policy-name table; }

down() {
    local language api
    for api in $(run apigatewayv2 get-apis --query "Items[?Name=='$name'].ApiId" --output text); do
        run apigatewayv2 delete-api --api-id "$api"
    done
    for language in $languages; do
        run lambda delete-function --function-name "$name-$language" >/dev/null
    done
    run iam delete-role-policy --role-name "$name" --policy-name table || true
    run iam detach-role-policy --role-name "$name" \
        --policy-arn arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
    run iam delete-role --role-name "$name"
    run dynamodb delete-table --table-name "$name" >/dev/null
}

case "${1:-}" in
up | allow | deny | down) "$1" ;;
*)
    sed -n '3,8p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
