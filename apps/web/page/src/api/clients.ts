/** The gateway's services, spoken to by gRPC-Web through the server that this page came from. */
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { DenoisingService } from "../gen/clearstack/v1/denoising_service_pb";
import { MaskService } from "../gen/clearstack/v1/mask_service_pb";
import { ModelService } from "../gen/clearstack/v1/model_service_pb";
import { RuleService } from "../gen/clearstack/v1/rule_service_pb";
import { StackService } from "../gen/clearstack/v1/stack_service_pb";
import { TrainingService } from "../gen/clearstack/v1/training_service_pb";
import { token } from "./session.svelte";

const signed: Interceptor = (next) => (request) => {
  if (token.value) request.header.set("authorization", `Bearer ${token.value}`);
  return next(request);
};

const transport = createGrpcWebTransport({ baseUrl: location.origin, interceptors: [signed] });

export const stacks = createClient(StackService, transport);
export const trainings = createClient(TrainingService, transport);
export const masks = createClient(MaskService, transport);
export const models = createClient(ModelService, transport);
export const denoisings = createClient(DenoisingService, transport);
export const rules = createClient(RuleService, transport);
