/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names, paths and statements are those of AWS's managed policy reference; actions of services far
 * from this program are left out of the widest ones (ReadOnlyAccess, SecurityAudit).
 */

#include "auth/aws_policies.h"

/* clang-format off: one policy a block */
static const struct vg_aws_policy policies[] = {
    { VG_STR_INIT("AWSCloudFormationFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAEVGXUZUIPE2QCCSKD"),
      VG_STR_INIT("Provides full access to AWS CloudFormation."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"cloudformation:*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaBasicExecutionRole"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAHAXXUC7TTBZMW2DM2"),
      VG_STR_INIT("Provides write permissions to CloudWatch Logs."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"R"
                  "esource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaDynamoDBExecutionRole"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAJBKKFGALPR2TM2DNP"),
      VG_STR_INIT("Provides list and read access to DynamoDB streams and write permissions to C"
                  "loudWatch Logs."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"dynamodb:DescribeStream\",\"dynamodb:GetRecords\",\"dynamodb:GetShardIter"
                  "ator\",\"dynamodb:ListStreams\",\"logs:CreateLogGroup\",\"logs:CreateLogStre"
                  "am\",\"logs:PutLogEvents\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaExecute"), VG_STR_INIT("/"), VG_STR_INIT("ANPA4D35DSFCAXYIR54OW"),
      VG_STR_INIT("Provides Put, Get access to S3 and full access to CloudWatch Logs."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"logs:*\"],\"Resource\":\"arn:aws:logs:*:*:*\"},{\"Effect\":\"Allow\",\"Ac"
                  "tion\":[\"s3:GetObject\",\"s3:PutObject\"],\"Resource\":\"arn:aws:s3:::*\"}]"
                  "}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaKinesisExecutionRole"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAZ42JR3FYWBMMKZLN7"),
      VG_STR_INIT("Provides list and read access to Kinesis streams and write permissions to Cl"
                  "oudWatch Logs."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"kinesis:DescribeStream\",\"kinesis:DescribeStreamSummary\",\"kinesis:GetR"
                  "ecords\",\"kinesis:GetShardIterator\",\"kinesis:ListShards\",\"kinesis:ListS"
                  "treams\",\"kinesis:SubscribeToShard\",\"logs:CreateLogGroup\",\"logs:CreateL"
                  "ogStream\",\"logs:PutLogEvents\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaRole"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAGEW6VVARPS3BW6HCP"),
      VG_STR_INIT("Default policy for AWS Lambda service role."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"lambda:InvokeFunction\"],\"Resource\":[\"*\"]}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaSQSQueueExecutionRole"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAQAOZHLCZUTQDH7WCL"),
      VG_STR_INIT("Provides receive message, delete message, and read attribute access to SQS q"
                  "ueues, and write permissions to CloudWatch Logs."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"sqs:ReceiveMessage\",\"sqs:DeleteMessage\",\"sqs:GetQueueAttributes\",\"l"
                  "ogs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"Resou"
                  "rce\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSLambdaVPCAccessExecutionRole"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAZGCLWDEMBV7KAGXIO"),
      VG_STR_INIT("Provides minimum permissions for a Lambda function to execute while accessin"
                  "g a resource within a VPC"),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"AWSLambdaVPCAccessExec"
                  "utionPermissions\",\"Effect\":\"Allow\",\"Action\":[\"logs:CreateLogGroup\","
                  "\"logs:CreateLogStream\",\"logs:PutLogEvents\",\"ec2:CreateNetworkInterface\""
                  ",\"ec2:DescribeNetworkInterfaces\",\"ec2:DescribeSubnets\",\"ec2:DeleteNetwo"
                  "rkInterface\",\"ec2:AssignPrivateIpAddresses\",\"ec2:UnassignPrivateIpAddres"
                  "ses\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v3") },
    { VG_STR_INIT("AWSLambda_FullAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPAW4V7L33VVEHJ6TDLZ"),
      VG_STR_INIT("Grants full access to AWS Lambda service, AWS Lambda console features, and o"
                  "ther related AWS services."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"cloudformation:DescribeStacks\",\"cloudformation:ListStackResources\",\"c"
                  "loudwatch:ListMetrics\",\"cloudwatch:GetMetricData\",\"ec2:DescribeSecurityG"
                  "roups\",\"ec2:DescribeSubnets\",\"ec2:DescribeVpcs\",\"kms:ListAliases\",\"i"
                  "am:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:GetRole\",\"iam:GetRolePolicy\""
                  ",\"iam:ListAttachedRolePolicies\",\"iam:ListRolePolicies\",\"iam:ListRoles\""
                  ",\"lambda:*\",\"logs:DescribeLogGroups\",\"states:DescribeStateMachine\",\"s"
                  "tates:ListStateMachines\",\"tag:GetResources\",\"xray:GetTraceSummaries\",\""
                  "xray:BatchGetTraces\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":"
                  "\"iam:PassRole\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"iam:P"
                  "assedToService\":\"lambda.amazonaws.com\"}}},{\"Effect\":\"Allow\",\"Action\""
                  ":[\"logs:DescribeLogStreams\",\"logs:GetLogEvents\",\"logs:FilterLogEvents\""
                  ",\"logs:StartLiveTail\",\"logs:StopLiveTail\"],\"Resource\":\"arn:aws:logs:*"
                  ":*:log-group:/aws/lambda/*\"}]}"),
      VG_STR_INIT("v3") },
    { VG_STR_INIT("AWSLambda_ReadOnlyAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPALVQL5A3ZR7XPFFGUE"),
      VG_STR_INIT("Grants read-only access to AWS Lambda service, AWS Lambda console features, "
                  "and other related AWS services."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"lambda:Get*\",\"lambda:List*\",\"iam:ListRoles\",\"logs:DescribeLogGroups"
                  "\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":[\"logs:DescribeLog"
                  "Streams\",\"logs:GetLogEvents\",\"logs:FilterLogEvents\"],\"Resource\":\"arn"
                  ":aws:logs:*:*:log-group:/aws/lambda/*\"}]}"),
      VG_STR_INIT("v3") },
    { VG_STR_INIT("AWSStepFunctionsFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPA2BIU2ZRNVLS5T5NZ7"),
      VG_STR_INIT("An access policy for providing a user/role/etc access to the AWS StepFunctio"
                  "ns APIs."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "\"states:*\",\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AWSXRayDaemonWriteAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAWDG4A54J4KGUTPTW7"),
      VG_STR_INIT("Allow the AWS X-Ray Daemon to relay raw trace segments data to the service's"
                  " API and retrieve sampling data."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"xray:PutTraceSegments\",\"xray:PutTelemetryRecords\",\"xray:GetSamplingRu"
                  "les\",\"xray:GetSamplingTargets\",\"xray:GetSamplingStatisticSummaries\"],\""
                  "Resource\":\"*\"}]}"),
      VG_STR_INIT("v2") },
    { VG_STR_INIT("AdministratorAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPA34SN6YCLNSZWWPS7E"),
      VG_STR_INIT("Provides full access to AWS services and resources."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "\"*\",\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonAPIGatewayAdministrator"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAJ3WLKGNZZK3KLA3VA"),
      VG_STR_INIT("Provides full access to create/edit/delete APIs in Amazon API Gateway via th"
                  "e AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"apigateway:*\"],\"Resource\":\"arn:aws:apigateway:*::/*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonAPIGatewayInvokeFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAJOOB5XJOJGOEJMIAK"),
      VG_STR_INIT("Provides full access to invoke APIs in Amazon API Gateway."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"execute-api:Invoke\",\"execute-api:ManageConnections\"],\"Resource\":\"ar"
                  "n:aws:execute-api:*:*:*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonAPIGatewayPushToCloudWatchLogs"), VG_STR_INIT("/service-role/"),
      VG_STR_INIT("ANPAH7MWELPP6GSUZP6SV"),
      VG_STR_INIT("Allows API Gateway to push logs to user's account."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"logs:CreateLogGroup\",\"logs:CreateLogStream\",\"logs:DescribeLogGroups\""
                  ",\"logs:DescribeLogStreams\",\"logs:PutLogEvents\",\"logs:GetLogEvents\",\"l"
                  "ogs:FilterLogEvents\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonCognitoPowerUser"), VG_STR_INIT("/"), VG_STR_INIT("ANPAJOVM4V5KR3FKO3LH7"),
      VG_STR_INIT("Provides administrative access to existing Amazon Cognito resources."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"cognito-identity:*\",\"cognito-idp:*\",\"cognito-sync:*\",\"iam:ListRoles"
                  "\",\"iam:ListOpenIdConnectProviders\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v4") },
    { VG_STR_INIT("AmazonDynamoDBFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPALOXJENDTNEGME3T2U"),
      VG_STR_INIT("Provides full access to Amazon DynamoDB via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"dynamodb:*\",\"dax:*\",\"application-autoscaling:DeleteScalingPolicy\",\""
                  "application-autoscaling:DeregisterScalableTarget\",\"application-autoscaling"
                  ":DescribeScalableTargets\",\"application-autoscaling:DescribeScalingActiviti"
                  "es\",\"application-autoscaling:DescribeScalingPolicies\",\"application-autos"
                  "caling:PutScalingPolicy\",\"application-autoscaling:RegisterScalableTarget\""
                  ",\"cloudwatch:DeleteAlarms\",\"cloudwatch:DescribeAlarmHistory\",\"cloudwatc"
                  "h:DescribeAlarms\",\"cloudwatch:DescribeAlarmsForMetric\",\"cloudwatch:GetMe"
                  "tricStatistics\",\"cloudwatch:ListMetrics\",\"cloudwatch:PutMetricAlarm\",\""
                  "iam:GetRole\",\"iam:ListRoles\",\"kms:DescribeKey\",\"kms:ListAliases\",\"la"
                  "mbda:CreateFunction\",\"lambda:ListFunctions\",\"lambda:ListEventSourceMappi"
                  "ngs\",\"lambda:CreateEventSourceMapping\",\"lambda:DeleteEventSourceMapping\""
                  ",\"lambda:GetFunctionConfiguration\",\"lambda:DeleteFunction\"],\"Resource\""
                  ":\"*\"}]}"),
      VG_STR_INIT("v15") },
    { VG_STR_INIT("AmazonDynamoDBFullAccess_v2"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAOH3XRQVBEW2EZS7Q4"), VG_STR_INIT("Provides full access to Amazon DynamoDB"),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"dynamodb:*\",\"dax:*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonDynamoDBReadOnlyAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAXAHTYIHS72UCN7XAT"),
      VG_STR_INIT("Provides read only access to Amazon DynamoDB via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"dynamodb:BatchGetItem\",\"dynamodb:Describe*\",\"dynamodb:List*\",\"dynam"
                  "odb:GetItem\",\"dynamodb:GetResourcePolicy\",\"dynamodb:Query\",\"dynamodb:S"
                  "can\",\"dynamodb:PartiQLSelect\",\"dax:Describe*\",\"dax:List*\",\"dax:GetIt"
                  "em\",\"dax:BatchGetItem\",\"dax:Query\",\"dax:Scan\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v14") },
    { VG_STR_INIT("AmazonEventBridgeFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPA43ET5KRFXHUI6WH3K"),
      VG_STR_INIT("Provides full access to Amazon EventBridge."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"events:*\",\"schemas:*\",\"scheduler:*\",\"pipes:*\"],\"Resource\":\"*\"}"
                  ",{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"arn:aws:ia"
                  "m::*:role/*\",\"Condition\":{\"StringEquals\":{\"iam:PassedToService\":[\"ev"
                  "ents.amazonaws.com\",\"scheduler.amazonaws.com\",\"pipes.amazonaws.com\"]}}}"
                  "]}"),
      VG_STR_INIT("v2") },
    { VG_STR_INIT("AmazonKinesisFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAAMRAPIP6TF3ZFPNA7"),
      VG_STR_INIT("Provides full access to all streams via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "\"kinesis:*\",\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonS3FullAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPAM4IUABDSGPXMCW4U2"),
      VG_STR_INIT("Provides full access to all buckets via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"s3:*\",\"s3-object-lambda:*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v2") },
    { VG_STR_INIT("AmazonS3ReadOnlyAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPAYZAUAF34BQNVMLD6I"),
      VG_STR_INIT("Provides read only access to all buckets via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"s3:Get*\",\"s3:List*\",\"s3:Describe*\",\"s3-object-lambda:Get*\",\"s3-ob"
                  "ject-lambda:List*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v3") },
    { VG_STR_INIT("AmazonSNSFullAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPAEHMMPN3MCXDG5KM4X"),
      VG_STR_INIT("Provides full access to Amazon SNS via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"sns:*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonSNSReadOnlyAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPATQC4LIOC46W7H3PBR"),
      VG_STR_INIT("Provides read only access to Amazon SNS via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"sns:GetTopicAttributes\",\"sns:List*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonSQSFullAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPA7TA2AGUVEINTMWDAI"),
      VG_STR_INIT("Provides full access to Amazon SQS via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"sqs:*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("AmazonSQSReadOnlyAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAJZSVB3IHYWGDQC73C"),
      VG_STR_INIT("Provides read only access to Amazon SQS via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"sqs:GetQueueAttributes\",\"sqs:GetQueueUrl\",\"sqs:ListDeadLetterSourceQu"
                  "eues\",\"sqs:ListQueues\",\"sqs:ListMessageMoveTasks\",\"sqs:ListQueueTags\""
                  "],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v3") },
    { VG_STR_INIT("AmazonSSMReadOnlyAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAZGJFUPM5NUCF2N4ES"), VG_STR_INIT("Provides read only access to Amazon SSM."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"ssm:Describe*\",\"ssm:Get*\",\"ssm:List*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v1") },
    { VG_STR_INIT("CloudWatchFullAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPAVJ77TCHBJCUGMTB75"),
      VG_STR_INIT("Provides full access to CloudWatch."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"autoscaling:Describe*\",\"cloudwatch:*\",\"logs:*\",\"sns:*\",\"iam:GetPo"
                  "licy\",\"iam:GetPolicyVersion\",\"iam:GetRole\",\"oam:ListSinks\"],\"Resourc"
                  "e\":\"*\"}]}"),
      VG_STR_INIT("v4") },
    { VG_STR_INIT("CloudWatchLogsFullAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPA52GJG75OTRLGUILQ3"), VG_STR_INIT("Provides full access to CloudWatch Logs"),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"CloudWatchLogsFullAcce"
                  "ss\",\"Effect\":\"Allow\",\"Action\":[\"logs:*\",\"cloudwatch:GenerateQuery\""
                  "],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v2") },
    { VG_STR_INIT("CloudWatchLogsReadOnlyAccess"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAOHKWXZM5AJI35PZ5I"),
      VG_STR_INIT("Provides read only access to CloudWatch Logs"),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"logs:Describe*\",\"logs:Get*\",\"logs:List*\",\"logs:StartQuery\",\"logs:"
                  "StopQuery\",\"logs:TestMetricFilter\",\"logs:FilterLogEvents\",\"logs:StartL"
                  "iveTail\",\"logs:StopLiveTail\",\"cloudwatch:GenerateQuery\"],\"Resource\":\""
                  "*\"}]}"),
      VG_STR_INIT("v6") },
    { VG_STR_INIT("IAMFullAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPATMJ5T63DJOLG2WPDQ"),
      VG_STR_INIT("Provides full access to IAM via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"iam:*\",\"organizations:DescribeAccount\",\"organizations:DescribeOrganiz"
                  "ation\",\"organizations:DescribeOrganizationalUnit\",\"organizations:Describ"
                  "ePolicy\",\"organizations:ListChildren\",\"organizations:ListParents\",\"org"
                  "anizations:ListPoliciesForTarget\",\"organizations:ListRoots\",\"organizatio"
                  "ns:ListPolicies\",\"organizations:ListTargetsForPolicy\"],\"Resource\":\"*\""
                  "}]}"),
      VG_STR_INIT("v2") },
    { VG_STR_INIT("IAMReadOnlyAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPALX6RHJC5OXFALFNF6"),
      VG_STR_INIT("Provides read only access to IAM via the AWS Management Console."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"iam:GenerateCredentialReport\",\"iam:GenerateServiceLastAccessedDetails\""
                  ",\"iam:Get*\",\"iam:List*\",\"iam:SimulateCustomPolicy\",\"iam:SimulatePrinc"
                  "ipalPolicy\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v4") },
    { VG_STR_INIT("IAMUserChangePassword"), VG_STR_INIT("/"), VG_STR_INIT("ANPAHZ5YXBTNYEK4C6QPP"),
      VG_STR_INIT("Provides the ability for an IAM user to change their own password."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"iam:ChangePassword\"],\"Resource\":[\"arn:aws:iam::*:user/${aws:username}"
                  "\"]},{\"Effect\":\"Allow\",\"Action\":[\"iam:GetAccountPasswordPolicy\"],\"R"
                  "esource\":\"*\"}]}"),
      VG_STR_INIT("v2") },
    { VG_STR_INIT("PowerUserAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPALHG27PL3YBRYSN4HT"),
      VG_STR_INIT("Provides full access to AWS services and resources, but does not allow manag"
                  "ement of Users and groups."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"NotAction"
                  "\":[\"iam:*\",\"organizations:*\",\"account:*\"],\"Resource\":\"*\"},{\"Effe"
                  "ct\":\"Allow\",\"Action\":[\"account:GetAccountInformation\",\"account:GetPr"
                  "imaryEmail\",\"account:ListRegions\",\"iam:CreateServiceLinkedRole\",\"iam:D"
                  "eleteServiceLinkedRole\",\"iam:ListRoles\",\"organizations:DescribeOrganizat"
                  "ion\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v6") },
    { VG_STR_INIT("ReadOnlyAccess"), VG_STR_INIT("/"), VG_STR_INIT("ANPAEBQRJMRUNJOVKCUK2"),
      VG_STR_INIT("Provides read-only access to AWS services and resources."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"apigateway:GET\",\"cloudformation:Describe*\",\"cloudformation:Get*\",\"c"
                  "loudformation:List*\",\"cloudfront:Describe*\",\"cloudfront:Get*\",\"cloudfr"
                  "ont:List*\",\"cloudwatch:Describe*\",\"cloudwatch:Get*\",\"cloudwatch:List*\""
                  ",\"cognito-identity:Describe*\",\"cognito-identity:Get*\",\"cognito-identity"
                  ":List*\",\"cognito-idp:Describe*\",\"cognito-idp:Get*\",\"cognito-idp:List*\""
                  ",\"dynamodb:BatchGetItem\",\"dynamodb:Describe*\",\"dynamodb:Get*\",\"dynamo"
                  "db:List*\",\"dynamodb:PartiQLSelect\",\"dynamodb:Query\",\"dynamodb:Scan\",\""
                  "ec2:Describe*\",\"ec2:Get*\",\"ecs:Describe*\",\"ecs:List*\",\"events:Descri"
                  "be*\",\"events:List*\",\"events:Test*\",\"firehose:Describe*\",\"firehose:Li"
                  "st*\",\"iam:Generate*\",\"iam:Get*\",\"iam:List*\",\"iam:Simulate*\",\"kines"
                  "is:Describe*\",\"kinesis:Get*\",\"kinesis:List*\",\"kms:Describe*\",\"kms:Ge"
                  "t*\",\"kms:List*\",\"lambda:Get*\",\"lambda:List*\",\"logs:Describe*\",\"log"
                  "s:FilterLogEvents\",\"logs:Get*\",\"logs:List*\",\"logs:StartQuery\",\"logs:"
                  "StopQuery\",\"logs:TestMetricFilter\",\"pipes:Describe*\",\"pipes:List*\",\""
                  "rds:Describe*\",\"rds:List*\",\"route53:Get*\",\"route53:List*\",\"s3:Get*\""
                  ",\"s3:List*\",\"scheduler:Get*\",\"scheduler:List*\",\"secretsmanager:Descri"
                  "be*\",\"secretsmanager:List*\",\"sns:Check*\",\"sns:Get*\",\"sns:List*\",\"s"
                  "qs:Get*\",\"sqs:List*\",\"sqs:Receive*\",\"ssm:Describe*\",\"ssm:Get*\",\"ss"
                  "m:List*\",\"states:Describe*\",\"states:Get*\",\"states:List*\",\"sts:GetAcc"
                  "essKeyInfo\",\"sts:GetCallerIdentity\",\"sts:GetSessionToken\",\"tag:Get*\","
                  "\"xray:BatchGet*\",\"xray:Get*\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v100") },
    { VG_STR_INIT("SecretsManagerReadWrite"), VG_STR_INIT("/"),
      VG_STR_INIT("ANPAGSUMYPFSTAJVF7JUQ"),
      VG_STR_INIT("Provides read/write access to AWS Secrets Manager via the AWS Management Con"
                  "sole."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"secretsmanager:*\",\"kms:DescribeKey\",\"kms:ListAliases\",\"kms:ListKeys"
                  "\",\"tag:GetResources\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v5") },
    { VG_STR_INIT("SecurityAudit"), VG_STR_INIT("/"), VG_STR_INIT("ANPAXIJTH3YRWWJF75V54"),
      VG_STR_INIT("The security audit template grants access to read security configuration met"
                  "adata."),
      VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":"
                  "[\"apigateway:GET\",\"dynamodb:DescribeTable\",\"dynamodb:ListTables\",\"iam"
                  ":GenerateCredentialReport\",\"iam:Get*\",\"iam:List*\",\"iam:Simulate*\",\"l"
                  "ambda:GetFunctionConfiguration\",\"lambda:GetPolicy\",\"lambda:List*\",\"log"
                  "s:Describe*\",\"logs:ListTagsForResource\",\"s3:GetBucket*\",\"s3:List*\",\""
                  "sns:GetTopicAttributes\",\"sns:List*\",\"sqs:GetQueueAttributes\",\"sqs:List"
                  "Queues\"],\"Resource\":\"*\"}]}"),
      VG_STR_INIT("v50") },
};
/* clang-format on */

#define PREFIX VG_STR("arn:aws:iam::aws:policy")

const struct vg_aws_policy *
vg_aws_policy_find(struct vg_str arn)
{
    if (!vg_str_starts(arn, PREFIX))
        return NULL;
    struct vg_str rest = vg_str_slice(arn, PREFIX.len, arn.len);
    for (size_t i = 0; i < VG_COUNT(policies); i++) {
        const struct vg_aws_policy *p = &policies[i];
        if (rest.len == p->path.len + p->name.len && vg_str_starts(rest, p->path)
            && vg_str_ends(rest, p->name))
            return p;
    }
    return NULL;
}

const struct vg_aws_policy *
vg_aws_policies(size_t *ret_n)
{
    *ret_n = VG_COUNT(policies);
    return policies;
}
